"""Shapes read and changed; no value is touched. Sizes arrive as attributes in old files and as tensors in new ones."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _shape(node: Node, values: Tensor) -> Tensor:
    """Return the sizes, or since opset 15 a slice of them, as int64."""
    sizes = values.shape[node.get("start", 0) : node.get("end", None)]
    return torch.tensor(sizes, dtype=torch.int64, device=values.device)


def _size(_: Node, values: Tensor) -> Tensor:
    return torch.tensor(values.numel(), dtype=torch.int64, device=values.device)


def _reshape(node: Node, values: Tensor, shape: Tensor | None = None) -> Tensor:
    """Reshape; 0 keeps a size unless `allowzero` says that it means none, and -1 takes what is left."""
    sizes = node.attributes["shape"] if shape is None else shape.tolist()
    if not node.get("allowzero", 0):
        sizes = [values.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return values.reshape(sizes)


def _flatten(node: Node, values: Tensor) -> Tensor:
    """Make two axes: those before `axis`, and the rest."""
    axis = node.get("axis", 1)
    axis += values.dim() if axis < 0 else 0
    return values.reshape(prod(values.shape[:axis]), prod(values.shape[axis:]))


def _axes(node: Node, axes: Tensor | None, rank: int) -> list[int]:
    """Return the axes that the node names, counted from the front and sorted."""
    named = node.get("axes", []) if axes is None else axes.reshape(-1).tolist()
    return sorted(axis + rank if axis < 0 else axis for axis in named)


def _squeeze(node: Node, values: Tensor, axes: Tensor | None = None) -> Tensor:
    """Drop axes of size 1: those named, or all."""
    gone = _axes(node, axes, values.dim()) or [axis for axis, size in enumerate(values.shape) if size == 1]
    return values.squeeze(tuple(gone))


def _unsqueeze(node: Node, values: Tensor, axes: Tensor | None = None) -> Tensor:
    """Put in axes of size 1; they are counted in the result."""
    count = len(node.get("axes", [])) if axes is None else axes.numel()
    for axis in _axes(node, axes, values.dim() + count):
        values = values.unsqueeze(axis)
    return values


def _transpose(node: Node, values: Tensor) -> Tensor:
    return values.permute(node.get("perm", [*reversed(range(values.dim()))]))


def _expand(_: Node, values: Tensor, shape: Tensor) -> Tensor:
    """Broadcast both ways: a 1 in the shape asked for keeps the tensor's own size."""
    sizes = torch.broadcast_shapes(values.shape, shape.tolist())  # type: ignore[no-untyped-call]
    return values.expand(sizes)


def _identity(_: Node, values: Tensor) -> Tensor:
    return values


def _dropout(
    node: Node, values: Tensor, ratio: Tensor | None = None, training: Tensor | None = None
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the tensor as it is, and where it is asked for the mask, which says what is kept only since opset 12.

    Raises:
        UnsupportedOperator: the graph drops values when it runs.
    """
    rate = node.get("ratio", 0.5) if ratio is None else float(ratio.item())
    if training is not None and training.item() and rate > 0:
        raise node.refuse(f"training_mode on and ratio {rate:g}")
    mask = torch.full_like(values, node.opset >= 12, dtype=values.dtype if node.opset < 10 else torch.bool)
    return (values, mask) if len(node.outputs) > 1 else values


SHAPE: Final[tuple[Operator, ...]] = (
    Operator(name="Shape", function=_shape),
    Operator(name="Size", function=_size),
    Operator(name="Reshape", function=_reshape),
    Operator(name="Flatten", function=_flatten),
    Operator(name="Squeeze", function=_squeeze),
    Operator(name="Unsqueeze", function=_unsqueeze),
    Operator(name="Transpose", function=_transpose),
    Operator(name="Expand", function=_expand),
    Operator(name="Identity", function=_identity),
    Operator(name="Dropout", function=_dropout),
)
