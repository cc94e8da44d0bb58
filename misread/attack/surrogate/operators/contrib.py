"""Quantised operators of onnxruntime's own domain, which its quantiser and its optimiser leave in files."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator, saturated
from misread.attack.surrogate.operators.pooling import average_pool
from misread.attack.surrogate.operators.quantise import (
    dequantize_linear,
    dynamic_quantize_linear,
    limits,
    matmul_integer,
    minus,
    qlinear_conv,
    quantize_linear,
    requantise,
    whole,
    whole_matmul,
)
from misread.attack.surrogate.operators.spatial import padded, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction
    from misread.attack.surrogate.operators.spatial import Window

DOMAIN: Final = "com.microsoft"


def qlinear_add(  # noqa: PLR0917  inputs of an operator come by position
    node: Node,
    left: Tensor,
    left_scale: Tensor,
    left_zero: Tensor | None,
    right: Tensor,
    right_scale: Tensor,
    right_zero: Tensor | None,
    scale: Tensor,
    zero: Tensor | None = None,
) -> Tensor:
    """Add in units of the output's scale, in the order and with the fused steps of onnxruntime's kernel.

    Where the first factor is one number for a whole row of the second, the kernel changes their places.
    """
    one, other = (left, left_scale, left_zero), (right, right_scale, right_zero)
    if left.shape[-1:] == (1,) and right.shape[-1:] != (1,):
        one, other = other, one
    ratio, second = one[1] / scale, other[1] / scale
    zeros = _fused(_zero(one[2], scale), ratio, second * _zero(other[2], scale))
    inner = _fused(whole(other[0]), second, _zero(zero, scale) - zeros)
    return _rounded(node, _fused(whole(one[0]), ratio, inner), zero)


def qlinear_mul(  # noqa: PLR0917
    node: Node,
    left: Tensor,
    left_scale: Tensor,
    left_zero: Tensor | None,
    right: Tensor,
    right_scale: Tensor,
    right_zero: Tensor | None,
    scale: Tensor,
    zero: Tensor | None = None,
) -> Tensor:
    """Multiply in units of the output's scale."""
    product = minus(left, left_zero) * minus(right, right_zero)
    return _rounded(node, product * (left_scale * right_scale / scale) + _zero(zero, scale), zero)


def qgemm(  # noqa: PLR0917
    node: Node,
    left: Tensor,
    left_scale: Tensor,
    left_zero: Tensor | None,
    right: Tensor,
    right_scale: Tensor,
    right_zero: Tensor | None,
    added: Tensor | None = None,
    scale: Tensor | None = None,
    zero: Tensor | None = None,
) -> Tensor:
    """Multiply matrices of whole numbers, add a bias in units of the sums; a float result where no scale is given."""
    by_column = node.get("transB", 0) and right_zero is not None and right_zero.ndim == 1
    first = minus(left, left_zero)
    second = minus(right, right_zero[:, None] if by_column and right_zero is not None else right_zero)
    first = first.T if node.get("transA", 0) else first
    second = second.T if node.get("transB", 0) else second
    sums = whole_matmul(first, second)
    sums = sums if added is None else sums + added.float()
    factor = left_scale * right_scale * node.get("alpha", 1.0)
    return sums * factor if scale is None else requantise(node, sums * (factor / scale), zero)


def qlinear_global_average_pool(  # noqa: PLR0917
    node: Node, values: Tensor, scale: Tensor, zero: Tensor | None, scale_out: Tensor, zero_out: Tensor | None = None
) -> Tensor:
    """Sum whole numbers over each channel and bring the sum to the output's scale."""
    inner = _channels_first(node, minus(values, zero))
    axes = tuple(range(2, inner.ndim))
    sums = inner.sum(dim=axes, keepdim=True)
    found = requantise(node, sums * (scale / (scale_out * prod(inner.shape[2:]))), zero_out)
    return _channels_back(node, found)


def qlinear_average_pool(  # noqa: PLR0917
    node: Node, values: Tensor, scale: Tensor, zero: Tensor | None, scale_out: Tensor, zero_out: Tensor | None = None
) -> Tensor:
    """Average in floating numbers, each window summed pixel by pixel, and quantise."""
    inner = _channels_first(node, minus(values, zero) * scale)
    found = average_pool(node, inner) if node.get("ceil_mode", 0) else _averages(node, inner)
    return _channels_back(node, _rounded(node, found / scale_out + _zero(zero_out, scale), zero_out))


def qlinear_conv_either(node: Node, images: Tensor, *rest: Tensor) -> Tensor:
    """QLinearConv, channels last where the node says so."""
    return _channels_back(node, qlinear_conv(node, _channels_first(node, images), *rest))


def qlinear_concat(node: Node, scale: Tensor, zero: Tensor | None, *parts: Tensor | None) -> Tensor:
    """Bring each part (numbers, scale, zero point) to the output's scale and join them."""
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    found = [
        requantise(node, minus(numbers, own_zero) * own / scale, zero)
        for numbers, own, own_zero in triples
        if numbers is not None and own is not None
    ]
    return torch.cat(found, dim=node.get("axis", 0))


def qlinear_where(  # noqa: PLR0917
    node: Node,
    condition: Tensor,
    left: Tensor,
    left_scale: Tensor,
    left_zero: Tensor | None,
    right: Tensor,
    right_scale: Tensor,
    right_zero: Tensor | None,
    scale: Tensor,
    zero: Tensor | None = None,
) -> Tensor:
    """Choose between two tensors of whole numbers, brought to the output's scale."""
    chosen = torch.where(condition, minus(left, left_zero) * left_scale, minus(right, right_zero) * right_scale)
    return requantise(node, chosen / scale, zero)


def dynamic_quantize_matmul(  # noqa: PLR0917
    node: Node,
    left: Tensor,
    right: Tensor,
    right_scale: Tensor,
    right_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Quantise the left factor by its own range, multiply, and return floating numbers."""
    numbers, scale, zero = dynamic_quantize_linear(node, left)
    return matmul_integer_to_float(node, numbers, right, scale, right_scale, zero, right_zero, bias)


def matmul_integer_to_float(  # noqa: PLR0917
    node: Node,
    left: Tensor,
    right: Tensor,
    left_scale: Tensor,
    right_scale: Tensor,
    left_zero: Tensor | None = None,
    right_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Multiply matrices of whole numbers and return floating numbers."""
    found = matmul_integer(node, left, right, left_zero, right_zero) * (left_scale * right_scale)
    return found if bias is None else found + bias


def _between(function: Callable[[Node, Tensor], Tensor]) -> OperatorFunction:
    """Return the operator that dequantises, applies a function to each number, and quantises."""

    def run(  # noqa: PLR0917
        node: Node,
        values: Tensor,
        scale: Tensor,
        zero: Tensor | None,
        scale_out: Tensor,
        zero_out: Tensor | None = None,
    ) -> Tensor:
        return requantise(node, function(node, minus(values, zero) * scale) / scale_out, zero_out)

    return run


def _sigmoid(_: Node, values: Tensor) -> Tensor:
    return torch.sigmoid(values)


def _leaky_relu(node: Node, values: Tensor) -> Tensor:
    return functional.leaky_relu(values, node.get("alpha", 0.01))


def _softmax(node: Node, values: Tensor) -> Tensor:
    axis = node.get("axis", -1) % values.ndim
    if node.get("opset", 13) >= 13:
        return torch.softmax(values, axis)
    return torch.softmax(values.flatten(axis), -1).reshape(values.shape)


def _mean(node: Node, values: Tensor) -> Tensor:
    axes = node.get("axes", list(range(values.ndim)))
    return values.mean(dim=axes, keepdim=bool(node.get("keepdims", 1)))


def _zero(zero_point: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros((), device=like.device) if zero_point is None else whole(zero_point)


def _rounded(node: Node, values: Tensor, zero: Tensor | None) -> Tensor:
    """Round values that hold the zero point already, and saturate."""
    low, high = limits(node, zero)
    return saturated(values, None, low, high)


def _fused(values: Tensor, factor: Tensor, added: Tensor) -> Tensor:
    """Multiply and add with one rounding: float64 holds the product exactly."""
    return (values.double() * factor.double() + added.double()).float()


def _averages(node: Node, images: Tensor) -> Tensor:
    """Return the mean of each window, its pixels added in reading order: equal scales in and out make ties."""
    window = window_of(node, images.shape[2:], node.attributes["kernel_shape"])
    inside = torch.ones_like(images[:1, :1])
    counts = _sums(inside, window) if not node.get("count_include_pad", 0) else prod(window.kernel)
    return _sums(images, window) / counts


def _sums(images: Tensor, window: Window) -> Tensor:
    room = padded(images, window.begins, window.ends)
    for axis, (span, stride) in enumerate(zip(window.spans, window.strides, strict=True), start=2):
        room = room.unfold(axis, span, stride)
    first, *rest = room.flatten(images.ndim).unbind(-1)
    return sum(rest, start=first)


def _channels_first(node: Node, values: Tensor) -> Tensor:
    return values.movedim(-1, 1) if node.get("channels_last", 0) else values


def _channels_back(node: Node, values: Tensor) -> Tensor:
    return values.movedim(1, -1) if node.get("channels_last", 0) else values


_FUNCTIONS: Final[tuple[tuple[str, OperatorFunction], ...]] = (
    ("QuantizeLinear", quantize_linear),
    ("DequantizeLinear", dequantize_linear),
    ("QLinearAdd", qlinear_add),
    ("QLinearMul", qlinear_mul),
    ("QLinearConv", qlinear_conv_either),
    ("QGemm", qgemm),
    ("QLinearGlobalAveragePool", qlinear_global_average_pool),
    ("QLinearAveragePool", qlinear_average_pool),
    ("QLinearConcat", qlinear_concat),
    ("QLinearWhere", qlinear_where),
    ("QLinearSigmoid", _between(_sigmoid)),
    ("QLinearLeakyRelu", _between(_leaky_relu)),
    ("QLinearSoftmax", _between(_softmax)),
    ("QLinearReduceMean", _between(_mean)),
    ("DynamicQuantizeMatMul", dynamic_quantize_matmul),
    ("MatMulIntegerToFloat", matmul_integer_to_float),
)
CONTRIB: Final[tuple[Operator, ...]] = tuple(
    Operator(name=name, function=function, domain=DOMAIN) for name, function in _FUNCTIONS
)
