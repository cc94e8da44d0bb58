"""Pools: the largest, the mean and the p-norm of windows or of the whole image, and MaxUnpool."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor
from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.spatial import padded, window_of

if TYPE_CHECKING:
    from misread.attack.surrogate.node import Node
    from misread.attack.surrogate.operators.spatial import Window

_MAX: Final = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_MEAN: Final = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
_CONV: Final = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def _pool_window(node: Node, images: Tensor) -> tuple[Window, tuple[int, ...]]:
    """Return the pool's window and how far windows of `ceil_mode` reach behind the padding, per axis."""
    size = images.shape[2:]
    window = window_of(node, size, node.get("kernel_shape", [1] * len(size)))
    rests = [
        extent + begin + end - span
        for extent, begin, end, span in zip(size, window.begins, window.ends, window.spans, strict=True)
    ]
    if not node.get("ceil_mode", 0):
        return window, (0,) * len(size)
    beyond = []
    for extent, begin, stride, rest in zip(size, window.begins, window.strides, rests, strict=True):
        last = -(-rest // stride) * stride
        # a window that would start behind the image and its first padding is left out
        beyond.append(last - rest if last < extent + begin else 0)
    return window, tuple(beyond)


def max_pool(node: Node, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """Return the largest value of each window, and where the node wants them the places, counted over the tensor."""
    window, beyond = _pool_window(node, images)
    axes = len(window.kernel)
    values = images if images.is_floating_point() else images.double()
    ends = tuple(end + more for end, more in zip(window.ends, beyond, strict=True))
    room = padded(values, window.begins, ends, float("-inf"))
    options = (window.kernel, window.strides, 0, window.dilations)
    if len(node.outputs) < 2 or not node.outputs[1]:
        found: Tensor = _MAX[axes](room, *options)
        return found.to(images.dtype)
    found, places = _MAX[axes](room, *options, return_indices=True)
    return found.to(images.dtype), _over_tensor(node, places, images, room, window)


def _over_tensor(node: Node, places: Tensor, images: Tensor, room: Tensor, window: Window) -> Tensor:
    """Return places in the padded image as places in the whole unpadded tensor, by rows or columns."""
    coordinates: list[Tensor] = []
    for extent, begin in zip(reversed(room.shape[2:]), reversed(window.begins), strict=True):
        coordinates.insert(0, places % extent - begin)
        places = torch.div(places, extent, rounding_mode="floor")
    size = images.shape[2:]
    order = list(range(len(size)))
    if node.get("storage_order", 0):
        order.reverse()
    flat = torch.zeros_like(places)
    for axis in order:
        flat = flat * size[axis] + coordinates[axis]
    planes = torch.arange(images.shape[0] * images.shape[1], device=places.device) * prod(size)
    return flat + planes.reshape(*images.shape[:2], *[1] * len(size))


def max_unpool(node: Node, values: Tensor, places: Tensor, output_shape: Tensor | None = None) -> Tensor:
    """Put each value back at its place in a tensor of zeros; places count over the tensor that was pooled."""
    size = values.shape[2:]
    window = window_of(node, size, node.get("kernel_shape", [1] * len(size)))
    steps = zip(size, window.strides, window.kernel, window.begins, window.ends, strict=True)
    natural = [(extent - 1) * stride + taps - begin - end for extent, stride, taps, begin, end in steps]
    found = values.new_zeros(values.shape[0] * values.shape[1] * prod(natural))
    found = found.index_put((places.reshape(-1),), values.reshape(-1)).reshape(*values.shape[:2], *natural)
    if output_shape is None:
        return found
    wanted = [int(extent) for extent in output_shape.tolist()][2:]
    return padded(found, [0] * len(size), [new - old for new, old in zip(wanted, natural, strict=True)])


def average_pool(node: Node, images: Tensor) -> Tensor:
    """Return the mean of each window, over the pixels inside or, by `count_include_pad`, over the padding too."""
    window, beyond = _pool_window(node, images)
    total = prod(window.kernel)
    found = _sums(images, window, beyond)
    if not any((*window.begins, *window.ends, *beyond)):
        return found / total
    ones = torch.ones_like(images[:1, :1])
    counted = replace(window)
    if node.get("count_include_pad", 0):
        ones = padded(ones, window.begins, window.ends, 1.0)
        counted = replace(window, begins=(0,) * len(beyond), ends=(0,) * len(beyond))
    return found / _sums(ones, counted, beyond)


def _sums(images: Tensor, window: Window, beyond: tuple[int, ...]) -> Tensor:
    """Return the sum of each window, zeros outside."""
    axes, total = len(window.kernel), prod(window.kernel)
    ends = [end + more for end, more in zip(window.ends, beyond, strict=True)]
    room = padded(images, window.begins, ends)
    if set(window.dilations) == {1}:
        found: Tensor = _MEAN[axes](room, window.kernel, window.strides) * total
        return found
    planes = room.reshape(-1, 1, *room.shape[2:])
    ones = torch.ones(1, 1, *window.kernel, dtype=images.dtype, device=images.device)
    summed: Tensor = _CONV[axes](planes, ones, None, window.strides, 0, window.dilations)
    return summed.reshape(*images.shape[:2], *summed.shape[2:])


def lp_pool(node: Node, images: Tensor) -> Tensor:
    """Return the p-norm of each window."""
    window, beyond = _pool_window(node, images)
    order = node.get("p", 2)
    return _root(_sums(images.abs() ** order, window, beyond), order)


def _root(sums: Tensor, order: int) -> Tensor:
    """Return the p-th root; the gradient at zero is zero."""
    nothing = sums == 0
    return torch.where(nothing, sums, torch.where(nothing, torch.ones_like(sums), sums) ** (1 / order))


def global_average_pool(_: Node, images: Tensor) -> Tensor:
    """Return the mean of each channel, (n, c, 1, ...)."""
    return images.mean(dim=tuple(range(2, images.ndim)), keepdim=True)


def global_max_pool(_: Node, images: Tensor) -> Tensor:
    """Return the largest value of each channel, (n, c, 1, ...)."""
    return images.amax(dim=tuple(range(2, images.ndim)), keepdim=True)


def global_lp_pool(node: Node, images: Tensor) -> Tensor:
    """Return the p-norm of each channel, (n, c, 1, ...)."""
    order = node.get("p", 2)
    return _root((images.abs() ** order).sum(dim=tuple(range(2, images.ndim)), keepdim=True), order)


POOLING: Final[tuple[Operator, ...]] = (
    Operator(name="AveragePool", function=average_pool),
    Operator(name="GlobalAveragePool", function=global_average_pool),
    Operator(name="GlobalLpPool", function=global_lp_pool),
    Operator(name="GlobalMaxPool", function=global_max_pool),
    Operator(name="LpPool", function=lp_pool),
    Operator(name="MaxPool", function=max_pool),
    Operator(name="MaxUnpool", function=max_unpool),
)
