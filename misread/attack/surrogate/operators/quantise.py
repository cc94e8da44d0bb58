"""Quantised arithmetic of the standard: forward values as whole numbers, gradients straight through the rounding.

Sums of products of 8-bit numbers are exact in float32 as long as they stay below 2^24; where the weights allow more,
float64 takes over. A saturated value passes no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from misread.attack.surrogate.node import Operator, saturated
from misread.attack.surrogate.operators.convolution import conv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.attack.surrogate.node import Node

RANGES: Final[Mapping[torch.dtype, tuple[int, int]]] = {
    torch.uint8: (0, 255),
    torch.int8: (-128, 127),
    torch.uint16: (0, 65535),
    torch.int16: (-32768, 32767),
}
HALF_BYTES: Final[Mapping[int, tuple[int, int]]] = {21: (0, 15), 22: (-8, 7)}
"""uint4 and int4 by their numbers in TensorProto.DataType; torch carries them in bytes."""
LARGEST_8_BIT: Final = 255
"""An 8-bit number less its zero point."""
_EXACT: Final = 2**24


def quantize_linear(node: Node, values: Tensor, scale: Tensor, zero_point: Tensor | None = None) -> Tensor:
    """Return round(values / scale) + zero point, saturated: any shape; scale per tensor, per axis or per block."""
    low, high = limits(node, zero_point)
    divisor = _spread(node, scale, values)
    shift = None if zero_point is None else whole(_spread(node, zero_point, values))
    return saturated(values.float() / divisor, shift, low, high)


def dequantize_linear(node: Node, values: Tensor, scale: Tensor, zero_point: Tensor | None = None) -> Tensor:
    """Return (values - zero point) * scale."""
    factor = _spread(node, scale, values)
    if zero_point is None:
        return whole(values) * factor
    return minus(values, _spread(node, zero_point, values)) * factor


def dynamic_quantize_linear(node: Node, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Quantise to uint8 by the range of the whole tensor, zero included; return (values, scale, zero point).

    Scale and zero point carry no gradient: the rounding is the only thing that they change.
    """
    del node
    found = values.detach()
    low, high = found.amin().clamp(max=0), found.amax().clamp(min=0)
    scale = torch.where(high == low, 1, (high - low) / LARGEST_8_BIT)
    zero_point = (-low / scale).clamp(0, LARGEST_8_BIT).round()
    return saturated(values / scale, zero_point, 0, LARGEST_8_BIT), scale, zero_point


def conv_integer(
    node: Node,
    images: Tensor,
    weight: Tensor,
    zero_point: Tensor | None = None,
    weight_zero_point: Tensor | None = None,
) -> Tensor:
    """Convolve whole numbers; the sums are whole."""
    return whole_conv(node, minus(images, zero_point), minus(weight, channels_first(weight_zero_point, weight.ndim)))


def matmul_integer(
    node: Node, left: Tensor, right: Tensor, left_zero_point: Tensor | None = None, zero_point: Tensor | None = None
) -> Tensor:
    """Multiply matrices of whole numbers; the sums are whole."""
    del node
    if left_zero_point is not None and left_zero_point.ndim == 1:
        left_zero_point = left_zero_point[:, None]
    return whole_matmul(minus(left, left_zero_point), minus(right, zero_point))


def qlinear_conv(  # noqa: PLR0917  inputs of an operator come by position
    node: Node,
    images: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    weight_zero_point: Tensor,
    scale_out: Tensor,
    zero_point_out: Tensor,
    bias: Tensor | None = None,
) -> Tensor:
    """Convolve whole numbers and bring the sums to the output's scale; weight scales per tensor or per channel."""
    ready = minus(weight, channels_first(weight_zero_point, weight.ndim))
    sums = whole_conv(node, minus(images, zero_point), ready, bias)
    factor = (scale * weight_scale / scale_out).reshape(1, -1, *[1] * (images.ndim - 2))
    return requantise(node, sums * factor, zero_point_out)


def qlinear_matmul(  # noqa: PLR0917
    node: Node,
    left: Tensor,
    left_scale: Tensor,
    left_zero_point: Tensor,
    right: Tensor,
    right_scale: Tensor,
    right_zero_point: Tensor,
    scale_out: Tensor,
    zero_point_out: Tensor,
) -> Tensor:
    """Multiply matrices of whole numbers and bring the sums to the output's scale."""
    sums = matmul_integer(node, left, right, left_zero_point, right_zero_point)
    if left_scale.ndim == 1 and left_scale.numel() > 1:
        left_scale = left_scale[:, None]
    return requantise(node, sums * (left_scale * right_scale / scale_out), zero_point_out)


def limits(node: Node, zero_point: Tensor | None) -> tuple[int, int]:
    """Return the smallest and the largest whole number of the output's type, which the zero point has."""
    number = node.get("output_dtype", 0)
    if number in HALF_BYTES:
        return HALF_BYTES[number]
    dtype = node.dtype("output_dtype", torch.uint8) if number else torch.uint8
    if not number and zero_point is not None and not zero_point.is_floating_point():  # floating: a dynamic one, uint8
        dtype = zero_point.dtype
    if dtype not in RANGES:
        raise node.refuse(f"the type {dtype}")
    return RANGES[dtype]


def requantise(node: Node, values: Tensor, zero_point: Tensor | None) -> Tensor:
    """Round values that are in units of the output's scale, add the zero point, saturate."""
    low, high = limits(node, zero_point)
    return saturated(values, None if zero_point is None else whole(zero_point), low, high)


def whole(values: Tensor) -> Tensor:
    """Return whole numbers as the floating tensor that carries them."""
    return values if values.is_floating_point() and values.dtype in {torch.float32, torch.float64} else values.float()


def minus(values: Tensor, zero_point: Tensor | None) -> Tensor:
    """Return values - zero point; an int32 weight is subtracted as an integer, which float32 could not hold."""
    if zero_point is None:
        return whole(values)
    if values.dtype == torch.int32:
        return (values - zero_point.to(torch.int32)).float()
    return whole(values) - whole(zero_point)


def channels_first(zero_point: Tensor | None, ndim: int) -> Tensor | None:
    """Shape zero points of a weight (m, ...) so that each meets its channel."""
    return zero_point if zero_point is None or zero_point.ndim == 0 else zero_point.reshape(-1, *[1] * (ndim - 1))


def whole_conv(node: Node, images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve whole numbers exactly; int32 bias."""
    wide = _wide(weight.detach().flatten(1), bias)
    added = None if bias is None else bias.to(wide)
    return conv(node, images.to(wide), weight.to(wide), added).float()


def whole_matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply matrices of whole numbers exactly."""
    wide = _wide(right.detach() if right.ndim < 2 else right.detach().mT)
    return (left.to(wide) @ right.to(wide)).float()


def _wide(weight: Tensor, bias: Tensor | None = None) -> torch.dtype:
    """Return a type that holds all sums of products of 8-bit numbers with rows of `weight` exactly."""
    if bias is None and weight.shape[-1] * LARGEST_8_BIT**2 < _EXACT:
        return torch.float32
    most = weight.abs().sum(-1) * LARGEST_8_BIT
    most = most if bias is None else most + bias.abs()
    return torch.float32 if bool((most < _EXACT).all()) else torch.float64


def _spread(node: Node, parameter: Tensor, values: Tensor) -> Tensor:
    """Shape a scale or a zero point so that it meets its values: one for all, for each index of an axis, or a block."""
    if parameter.numel() == 1:
        return parameter.reshape(())
    axis = node.get("axis", 1) % values.ndim
    if parameter.ndim == 1 and parameter.ndim != values.ndim:
        return parameter.reshape(-1, *[1] * (values.ndim - axis - 1))
    block = node.get("block_size", 0) or -(-values.shape[axis] // parameter.shape[axis])
    return parameter.repeat_interleave(block, axis).narrow(axis, 0, values.shape[axis])


QUANTISE: Final[tuple[Operator, ...]] = (
    Operator(name="QuantizeLinear", function=quantize_linear),
    Operator(name="DequantizeLinear", function=dequantize_linear),
    Operator(name="DynamicQuantizeLinear", function=dynamic_quantize_linear),
    Operator(name="ConvInteger", function=conv_integer),
    Operator(name="MatMulInteger", function=matmul_integer),
    Operator(name="QLinearConv", function=qlinear_conv),
    Operator(name="QLinearMatMul", function=qlinear_matmul),
)
