"""Floating operators of onnxruntime's own domain: layers that its optimiser has joined, and saved so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.convolution import conv
from misread.attack.surrogate.operators.normalisation import rms_normalization
from misread.attack.surrogate.operators.pooling import max_pool

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction

DOMAIN: Final = "com.microsoft"


def fused_conv(
    node: Node, images: Tensor, weight: Tensor, bias: Tensor | None = None, added: Tensor | None = None
) -> Tensor:
    """Convolve, add, activate."""
    sums = conv(node, images, weight, bias)
    return _activated(node, sums if added is None else sums + added, node.get("activation_params", []))


def fused_gemm(node: Node, left: Tensor, right: Tensor, added: Tensor | None = None) -> Tensor:
    """Gemm, then activate."""
    left = left.T if node.get("transA", 0) else left
    right = right.T if node.get("transB", 0) else right
    sums = left @ right * node.get("alpha", 1.0)
    sums = sums if added is None else sums + added * node.get("beta", 1.0)
    found = [node.attributes[name] for name in ("activation_alpha", "activation_beta") if node.has(name)]
    return _activated(node, sums, found)


def fused_matmul(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Multiply matrices, transposed on request; `transBatch` brings the first axis to the last but one."""
    left = left.movedim(0, -2) if node.get("transBatchA", 0) else left
    right = right.movedim(0, -2) if node.get("transBatchB", 0) else right
    left = left.mT if node.get("transA", 0) and left.ndim > 1 else left
    right = right.mT if node.get("transB", 0) and right.ndim > 1 else right
    return left @ right * node.get("alpha", 1.0)


def gelu(_: Node, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Gelu by the error function, after a bias (arXiv:1606.08415)."""
    return functional.gelu(values if bias is None else values + bias)


def fast_gelu(_: Node, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Gelu by the hyperbolic tangent, after a bias."""
    return functional.gelu(values if bias is None else values + bias, approximate="tanh")


def quick_gelu(node: Node, values: Tensor) -> Tensor:
    """Gelu by the logistic function."""
    return values * torch.sigmoid(values * node.get("alpha", 1.702))


def bias_add(_: Node, values: Tensor, bias: Tensor, skip: Tensor) -> Tensor:
    """Add a bias and another branch."""
    return values + bias + skip


def skip_layer_normalization(  # noqa: PLR0917  inputs of an operator come by position
    node: Node,
    values: Tensor,
    skip: Tensor,
    scale: Tensor,
    shift: Tensor | None = None,
    bias: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Add another branch and a bias, normalise over the last axis (arXiv:1607.06450); the sum is the fourth output."""
    total = values + skip if bias is None else values + skip + bias
    epsilon = node.get("epsilon", 1e-12)
    mean = total.mean(-1, keepdim=True)
    inverse = (total.var(-1, correction=0, keepdim=True) + epsilon).rsqrt()
    return functional.layer_norm(total, total.shape[-1:], scale, shift, epsilon), mean, inverse, total


def skip_simplified_layer_normalization(
    node: Node, values: Tensor, skip: Tensor, scale: Tensor, bias: Tensor | None = None
) -> tuple[Tensor, ...]:
    """Add another branch and a bias, divide by the root of the mean square (arXiv:1910.07467)."""
    total = values + skip if bias is None else values + skip + bias
    inverse = (total.square().mean(-1, keepdim=True) + node.get("epsilon", 1e-12)).rsqrt()
    return total * inverse * scale, total.mean(-1, keepdim=True), inverse, total


def nhwc_max_pool(node: Node, images: Tensor) -> Tensor:
    """Take the largest of each window of (n, *size, c)."""
    found = max_pool(node, images.movedim(-1, 1))
    return (found[0] if isinstance(found, tuple) else found).movedim(1, -1)


def _activated(node: Node, values: Tensor, parameters: list[float]) -> Tensor:
    """Apply the activation that was joined to a layer."""
    kind = node.get("activation", "")
    simple = {"": torch.clone, "Relu": torch.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh}
    if kind in simple:
        return simple[kind](values)
    if kind == "LeakyRelu":
        return functional.leaky_relu(values, parameters[0] if parameters else 0.01)
    if kind == "Clip":
        return values.clamp(*parameters)
    if kind == "HardSigmoid":
        slope, shift = parameters or (0.2, 0.5)
        return (values * slope + shift).clamp(0, 1)
    raise node.refuse(f"the activation {kind!r}")


_FUNCTIONS: Final[tuple[tuple[str, OperatorFunction], ...]] = (
    ("FusedConv", fused_conv),
    ("FusedGemm", fused_gemm),
    ("FusedMatMul", fused_matmul),
    ("TransposeMatMul", fused_matmul),
    ("Gelu", gelu),
    ("BiasGelu", gelu),
    ("FastGelu", fast_gelu),
    ("QuickGelu", quick_gelu),
    ("BiasAdd", bias_add),
    ("SkipLayerNormalization", skip_layer_normalization),
    ("SkipSimplifiedLayerNormalization", skip_simplified_layer_normalization),
    ("NhwcMaxPool", nhwc_max_pool),
)
CONTRIB_FLOAT: Final[tuple[Operator, ...]] = (
    *(Operator(name=name, function=function, domain=DOMAIN) for name, function in _FUNCTIONS),
    Operator(name="SimplifiedLayerNormalization", function=rms_normalization),
)
