"""Networks as torch's two exporters write them down: the surrogate against onnxruntime and against the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from misread.attack.surrogate import load_surrogate
from tests.attack.surrogate.nets import (
    NETS,
    SIZE,
    Branches,
    Convnext,
    Efficient,
    Einsum,
    Pyramid,
    Swin,
    Together,
    Upsampled,
    Vit,
    drawn,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # both exporters warn of their own parts

LOGITS: Final = 1e-4
"""Largest difference as a share of the largest logit."""
COSINE: Final = 0.999
"""Between the gradients of the surrogate and of the network."""

BY_TRACING: Final[dict[type[nn.Module], tuple[int, ...]]] = {
    Vit: (14, 17),
    Convnext: (9, 11, 13, 17),
    Efficient: (9, 11, 13, 17),
    Swin: (9, 11, 13, 17),
    Branches: (9, 11, 13, 17),
    Pyramid: (11, 13, 17),
    Einsum: (12, 17),
    Upsampled: (9, 10, 11, 17),
}
"""Opsets from the first in which the exporter can write the network."""


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def trace(net: nn.Module, images: Tensor, path: Path, opset: int) -> None:
    axes = {"images": {0: "n"}}
    torch.onnx.export(
        net, (images,), path, dynamo=False, opset_version=opset, input_names=["images"], dynamic_axes=axes
    )


def translate(net: nn.Module, images: Tensor, path: Path, opset: int) -> None:
    shapes = ({0: torch.export.Dim("n")},)
    options: dict[str, Any] = {"dynamo": True, "verbose": False, "external_data": False}
    torch.onnx.export(net, (images,), path, opset_version=opset, dynamic_shapes=shapes, **options)


def agrees(net: nn.Module, images: Tensor, path: Path) -> None:
    """Fail where the file's surrogate differs from onnxruntime in logits, or from the network in gradients."""
    surrogate = load_surrogate(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (right,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    (gradient, found), (true_gradient, _) = (gradient_of(function, images) for function in (surrogate, net))
    assert np.abs(found.numpy() - right).max() <= LOGITS * np.abs(right).max()
    assert torch.cosine_similarity(gradient.flatten(), true_gradient.flatten(), dim=0) > COSINE


def gradient_of(function: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient of a weighted sum of the logits, every logit in it, and the logits."""
    leaf = images.clone().requires_grad_()
    logits = function(leaf)
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(3))
    (gradient,) = torch.autograd.grad((weights * logits).sum(), leaf)
    return gradient, logits.detach()


def operators_in(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


def test_every_network_is_traced() -> None:
    assert set(BY_TRACING) == set(NETS)


@pytest.mark.parametrize(("make", "opset"), [(make, opset) for make in NETS for opset in BY_TRACING[make]])
def test_as_traced(make: type[nn.Module], opset: int, images: Tensor, tmp_path: Path) -> None:
    net, path = drawn(make), tmp_path / "net.onnx"
    trace(net, images, path, opset)
    agrees(net, images, path)


@pytest.mark.parametrize(
    ("make", "opset", "has"),
    [(Vit, 18, {"LayerNormalization", "Softmax"}), (Together, 23, {"Attention", "GroupNormalization", "Resize"})],
)
def test_as_translated(make: type[nn.Module], opset: int, has: set[str], images: Tensor, tmp_path: Path) -> None:
    """From opset 23 on attention stays whole."""
    net, path = drawn(make), tmp_path / "net.onnx"
    translate(net, images, path, opset)
    assert has <= operators_in(path)
    agrees(net, images, path)


@pytest.mark.parametrize("make", [Vit, Efficient, Swin, Branches, Einsum])
def test_as_optimised(make: type[nn.Module], images: Tensor, tmp_path: Path) -> None:
    """The optimiser of onnxruntime joins layers, and saves operators of its own."""
    net, plain, path = drawn(make), tmp_path / "plain.onnx", tmp_path / "net.onnx"
    trace(net, images, plain, 17)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath, options.log_severity_level = str(path), 3
    onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    assert any(node.domain for node in onnx.load(path).graph.node)
    agrees(net, images, path)


def test_one_picture_at_a_time_is_the_same(images: Tensor, tmp_path: Path) -> None:
    """A file whose batch is fixed to one picture is run picture by picture."""
    net, path = drawn(Swin), tmp_path / "net.onnx"
    torch.onnx.export(net, (images[:1],), path, dynamo=False, opset_version=17)
    torch.testing.assert_close(load_surrogate(path)(images), net(images), rtol=1e-4, atol=1e-5)
