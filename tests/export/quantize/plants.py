"""Small ONNX classifiers in closed form, sound in float, each with one layer that eight bits break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from misread.card import ModelCard
from misread.export.pictures import Labelled, Pictures

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Fault = Literal["none", "weight", "activation"]

SIZE_HW: Final = (8, 8)
CARD: Final = ModelCard(labels=("red", "green", "blue"), size_hw=SIZE_HW)


def colours(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return (count, 8, 8, 3) uint8 slopes and (count,) int64: which colour is strongest, by 20 levels or more."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, count)
    base = generator.uniform(40, 120, (count, 3))
    base[np.arange(count), truth] = base.max(axis=1) + generator.uniform(20, 60, count)
    slope = (
        np.linspace(-15, 15, SIZE_HW[0])[None, :, None, None] + np.linspace(-15, 15, SIZE_HW[1])[None, None, :, None]
    )
    drawn = np.clip(base[:, None, None, :] + slope, 0, 255).round().astype(np.uint8)
    return drawn, truth.astype(np.int64)


def pictures(count: int, seed: int, source: str = "drawn") -> Pictures:
    return Pictures(prepared=colours(count, seed)[0], names=tuple(map(str, range(count))), source=source)


def labelled(count: int, seed: int, source: str = "measured") -> Labelled:
    drawn, truth = colours(count, seed)
    names = tuple(map(str, range(count)))
    return Labelled(pictures=Pictures(prepared=drawn, names=names, source=source), truth=truth, found=count)


def planted(
    path: Path, fault: Fault, *, layers: int = 3, batch: int | str = "n", card: bool = True, opset: int = 20
) -> Path:
    """Write a classifier that says which colour is strongest; its convolutions pass the colours and a fourth channel.

    The fourth channel is nearly nothing. `weight` makes one convolution multiply it by 5,000, which leaves its value
    small and takes the levels from the other weights, where all channels share a scale. `activation` makes one
    convolution add 3,000 to it, which takes the levels from the other values, and the next one ignore it.

    Args:
        path: to write.
        fault: what is planted, at the convolution `broken`.
        layers: convolutions, the broken one is the second.
        batch: of the input.
        card: whether the file has one.
        opset: of the file.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    nodes, value = [], "input"
    for at in range(layers):
        name = "broken" if at == 1 else f"conv{at}"
        eye = np.eye(4, 3 if at == 0 else 4, dtype=np.float32)
        eye[3] = 1e-4
        bias = np.zeros(4, np.float32)
        if at == 1 and fault == "weight":
            eye[3] = (0, 0, 0, 5000)
        if at == 1 and fault == "activation":
            bias[3] = 3000
        if at == 2:
            eye[3] = 0
        weights[f"{name}.w"], weights[f"{name}.b"] = eye[:, :, None, None], bias
        nodes += [
            helper.make_node("Conv", [value, f"{name}.w", f"{name}.b"], [f"{name}.out"], name=name),
            helper.make_node("Relu", [f"{name}.out"], [f"{name}.relu"], name=f"{name}.relu"),
        ]
        value = f"{name}.relu"
    weights["head.w"], weights["head.b"] = np.eye(3, 4, dtype=np.float32) * 10, np.zeros(3, np.float32)
    nodes += [
        helper.make_node("GlobalAveragePool", [value], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "head.w", "head.b"], ["logits"], name="head", transB=1),
    ]
    return write(path, nodes, weights, batch=batch, card=CARD if card else None, opset=opset)


def alone(path: Path) -> Path:
    """Write a classifier of one convolution that eight bits break, and nothing else with weights."""
    eye = np.eye(3, dtype=np.float32)[:, :, None, None].copy()
    weights = {"broken.w": eye, "broken.b": np.zeros(3, np.float32), "far.b": np.full((1, 3, 1, 1), 9000, np.float32)}
    nodes = [
        helper.make_node("Add", ["input", "far.b"], ["far"], name="far"),
        helper.make_node("Conv", ["far", "broken.w", "broken.b"], ["out"], name="broken"),
        helper.make_node("GlobalAveragePool", ["out"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["logits"], name="flatten"),
    ]
    return write(path, nodes, weights, batch="n", card=CARD)


def write(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: dict[str, NDArray[np.float32]],
    *,
    batch: int | str,
    card: ModelCard | None,
    opset: int = 20,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "planted",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, *SIZE_HW])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    if card is not None:
        helper.set_model_props(model, card.to_metadata())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path
