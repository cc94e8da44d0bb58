"""A small convolutional classifier as an ONNX file, with whatever card; it needs no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from misread.card import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from misread.runtime.session import Reader

LABELS: Final = tuple("abcdefgh")
CARD: Final = ModelCard(
    labels=LABELS,
    size_hw=(64, 64),
    resize="crop",
    resize_px=72,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


def write_build(
    path: Path,
    card: ModelCard = CARD,
    *,
    inside: ModelCard | None = None,
    noise: float = 0.0,
    seed: int = 1,
    probabilities: bool = False,
) -> Path:
    """Write conv, ReLU, mean, linear: weights of one seed.

    Args:
        path: the file.
        card: in its metadata; what it says need not be what the weights want.
        inside: a card whose scale, mean and std the graph itself applies.
        noise: added to the convolution's weights, relative: another precision, as it were.
        seed: of the weights.
        probabilities: end with a softmax.
    """
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper, kinds = onnx.helper, onnx.numpy_helper, onnx.TensorProto
    random = np.random.default_rng(seed)
    kernel = random.normal(0, 0.4, (24, 3, 3, 3))
    kernel *= 1 + noise * np.random.default_rng(seed + 100).normal(size=kernel.shape)
    linear = random.normal(0, 3, (24, len(card.labels)))
    gain = np.ones((1, 3, 1, 1)) if inside is None else inside.scale / np.reshape(inside.std, (1, 3, 1, 1))
    offset = 0 * gain if inside is None else np.reshape(np.divide(inside.mean, inside.std), (1, 3, 1, 1))
    weights = {"gain": gain, "offset": offset, "kernel": kernel, "linear": linear}
    last = "scores" if probabilities else "logits"
    nodes = [
        helper.make_node("Mul", ["input", "gain"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "offset"], ["normal"]),
        helper.make_node("Conv", ["normal", "kernel"], ["conv"], strides=[2, 2]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "linear"], [last]),
        *([helper.make_node("Softmax", ["scores"], ["logits"])] if probabilities else []),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", kinds.FLOAT, ["n", 3, *card.size_hw])],
        [helper.make_tensor_value_info("logits", kinds.FLOAT, ["n", len(card.labels)])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, card.to_metadata())
    onnx.save(model, path)
    return path


def plain(card: ModelCard) -> ModelCard:
    """The card of a graph that normalises by itself."""
    return replace(card, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3, baked_normalisation=True)


def read_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let noise be measured without a process of its own, which takes a second; test_fresh.py starts those."""

    def here(opening: Callable[[], Reader], prepared: NDArray[np.uint8], **_: Any) -> NDArray[np.float32]:
        return opening().read_prepared(prepared).logits

    monkeypatch.setattr("misread.runtime.compare.noise.read_afresh", here)
