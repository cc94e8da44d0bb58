"""Values written to places, and overlapping blocks added up."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.index import from_front

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from misread.attack.surrogate.node import Node

REDUCTIONS: Final[Mapping[str, str]] = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
"""How several values for one place are joined: the file's word and torch's."""


def _write(node: Node, values: Tensor, axis: int, places: Tensor, updates: Tensor) -> Tensor:
    """Write updates along an axis, joined with what is there by the node's `reduction`."""
    reduction = node.get("reduction", "none")
    if reduction == "none":
        return values.scatter(axis, places, updates)
    if reduction not in REDUCTIONS:
        raise node.refuse(f"reduction {reduction!r}")
    return values.scatter_reduce(axis, places, updates, REDUCTIONS[reduction])


def _scatter_elements(node: Node, values: Tensor, places: Tensor, updates: Tensor) -> Tensor:
    axis = node.get("axis", 0)
    return _write(node, values, axis, from_front(places, values.shape[axis]), updates)


def _scatter_nd(node: Node, values: Tensor, places: Tensor, updates: Tensor) -> Tensor:
    """Write whole slices to vectors of places, the last axis of `places`."""
    depth = places.shape[-1]
    sizes = values.shape[:depth]
    row = torch.zeros(places.shape[:-1], dtype=torch.int64, device=values.device)
    for axis, size in enumerate(sizes):
        row = row * size + from_front(places[..., axis], size)
    table = values.reshape(prod(sizes), -1)
    changed = updates.reshape(row.numel(), -1)
    return _write(node, table, 0, row.reshape(-1, 1).expand_as(changed), changed).reshape(values.shape)


def _fold(node: Node, columns: Tensor, image_shape: Tensor, block_shape: Tensor) -> Tensor:
    """Add up the overlapping blocks that are the columns of (n, channels x block, blocks), as torch's `fold`."""
    image, block = image_shape.tolist(), block_shape.tolist()
    rank = len(image)
    steps, spread = node.get("strides", [1] * rank), node.get("dilations", [1] * rank)
    pads = node.get("pads", [0] * (2 * rank))
    place = torch.zeros(1, 1, dtype=torch.int64, device=columns.device)
    sizes = [size + pads[axis] + pads[axis + rank] for axis, size in enumerate(image)]
    for axis, size in enumerate(sizes):
        inside = torch.arange(block[axis], device=columns.device) * spread[axis]
        starts = torch.arange(0, size - (block[axis] - 1) * spread[axis], steps[axis], device=columns.device)
        place = (place[:, None, :, None] * size + inside[None, :, None, None] + starts[None, None, None, :]).reshape(
            place.shape[0] * len(inside), place.shape[1] * len(starts)
        )
    flat = columns.reshape(columns.shape[0], -1, place.numel())
    total = flat.new_zeros(*flat.shape[:2], prod(sizes)).index_add(2, place.reshape(-1), flat)
    full = total.reshape(*flat.shape[:2], *sizes)
    for axis, size in enumerate(image):
        full = full.narrow(2 + axis, pads[axis], size)
    return full


SCATTER: Final[tuple[Operator, ...]] = (
    Operator(name="Scatter", function=_scatter_elements),
    Operator(name="ScatterElements", function=_scatter_elements),
    Operator(name="ScatterND", function=_scatter_nd),
    Operator(name="Col2Im", function=_fold),
)
