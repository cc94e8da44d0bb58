"""Convolutions: Conv, ConvTranspose, DeformConv."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.spatial import padded, split_padding, window_of

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node
    from misread.attack.surrogate.operators.spatial import Window

_CONV: Final = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSE: Final = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def conv(node: Node, images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve (n, c, *size) with (m, c / group, *kernel); 1 to 3 spatial axes."""
    window = window_of(node, images.shape[2:], weight.shape[2:])
    inside = window.begins
    if not window.symmetric:
        images, inside = padded(images, window.begins, window.ends), (0,) * len(window.begins)
    function = _CONV[len(window.kernel)]
    group = node.get("group", 1)
    return function(images, weight, bias, window.strides, inside, window.dilations, group)


def conv_transpose(node: Node, images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Transposed convolution of (n, c, *size) with (c, m / group, *kernel).

    The full result is cropped by the padding, which is negative where `output_shape` asks for more.
    """
    size = images.shape[2:]
    axes = len(size)
    window = window_of(node, size, weight.shape[2:])
    extra = node.get("output_padding", [0] * axes)
    begins, ends = _transposed_padding(node, window, [int(extent) for extent in size], extra)
    function = _TRANSPOSE[axes]
    group = node.get("group", 1)
    full = function(images, weight, None, window.strides, 0, 0, group, window.dilations)
    found = padded(full, [-begin for begin in begins], [more - end for more, end in zip(extra, ends, strict=True)])
    return found if bias is None else found + bias.reshape(-1, *[1] * axes)


def _transposed_padding(
    node: Node, window: Window, size: list[int], extra: list[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what is cut off at each end of the full result, before `output_padding` is added."""
    mode = node.get("auto_pad", "NOTSET")
    target: list[int] = node.get("output_shape", [])[-len(size) :]
    if not target:
        if mode not in {"SAME_UPPER", "SAME_LOWER"}:
            return window.begins, window.ends
        target = [extent * stride for extent, stride in zip(size, window.strides, strict=True)]
    whole = zip(size, window.strides, window.spans, extra, strict=True)
    full = [stride * (extent - 1) + more + span for extent, stride, span, more in whole]
    missing = [given - wanted for given, wanted in zip(full, target, strict=True)]
    begins, ends = split_padding([max(less, 0) for less in missing], upper=mode == "SAME_UPPER")
    if node.has("output_shape"):  # what is asked for beyond the full result comes at the end
        ends = tuple(less - begin for less, begin in zip(missing, begins, strict=True))
    return begins, ends


def deform_conv(  # noqa: PLR0917  a node gives its inputs by position
    node: Node, images: Tensor, weight: Tensor, offset: Tensor, bias: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """Deformable convolution (arXiv:1811.11168) of images (n, c, h, w).

    Args:
        node: with `group` and `offset_group`.
        images: (n, c, h, w).
        weight: (m, c / group, kh, kw).
        offset: (n, offset_group * kh * kw * 2, oh, ow), dy before dx, in pixels.
        bias: (m,).
        mask: (n, offset_group * kh * kw, oh, ow), factors.

    Returns:
        (n, m, oh, ow).
    """
    if images.ndim != 4:
        raise node.refuse(f"{images.ndim - 2} spatial axes")
    window = window_of(node, images.shape[2:], weight.shape[2:])
    count, channels, height, width = images.shape
    shifts, taps, (rows, columns) = node.get("offset_group", 1), prod(window.kernel), offset.shape[2:]
    moved = offset.reshape(count * shifts, taps, 2, rows, columns)
    at_y, at_x = (moved[:, :, axis] + _taps(window, axis, (rows, columns), offset) for axis in (0, 1))
    # grid_sample's own coordinates, corner to corner; one pixel has no extent to divide by
    grid = torch.stack([2 * at_x / max(width - 1, 1) - 1, 2 * at_y / max(height - 1, 1) - 1], dim=-1)
    sampled = functional.grid_sample(
        images.reshape(count * shifts, channels // shifts, height, width),
        grid.reshape(count * shifts, taps * rows, columns, 2),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=True,
    ).reshape(count * shifts, channels // shifts, taps, rows, columns)
    if mask is not None:
        sampled = sampled * mask.reshape(count * shifts, 1, taps, rows, columns)
    group = node.get("group", 1)
    columns_of = sampled.reshape(count, group, channels // group * taps, rows * columns)
    found = weight.reshape(group, weight.shape[0] // group, -1) @ columns_of
    found = found.reshape(count, -1, rows, columns)
    return found if bias is None else found + bias.reshape(-1, 1, 1)


def _taps(window: Window, axis: int, size: tuple[int, int], like: Tensor) -> Tensor:
    """Return the coordinate along `axis` of each tap of each window before it is moved, (kh * kw, oh, ow)."""
    starts = torch.arange(size[axis], dtype=like.dtype) * window.strides[axis] - window.begins[axis]
    steps = torch.arange(window.kernel[axis], dtype=like.dtype) * window.dilations[axis]
    shape_of_steps, shape_of_starts = [1, 1, 1, 1], [1, 1, 1, 1]
    shape_of_steps[axis], shape_of_starts[2 + axis] = -1, -1
    grid = (steps.reshape(shape_of_steps) + starts.reshape(shape_of_starts)).expand(*window.kernel, *size)
    return grid.reshape(-1, *size).to(like.device)


CONVOLUTION: Final[tuple[Operator, ...]] = (
    Operator(name="Conv", function=conv),
    Operator(name="ConvTranspose", function=conv_transpose),
    Operator(name="DeformConv", function=deform_conv),
)
