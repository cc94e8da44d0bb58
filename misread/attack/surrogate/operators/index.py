"""Values picked by their places. A negative place counts from the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def from_front(places: Tensor, size: int) -> Tensor:
    """Return places in [-size, size) as int64 in [0, size)."""
    whole = places.long()
    return torch.where(whole < 0, whole + size, whole)


def _gather(node: Node, values: Tensor, places: Tensor) -> Tensor:
    """Pick whole slices along an axis; the places' own axes stand where the axis was."""
    axis = node.get("axis", 0) % values.dim()
    chosen = from_front(places, values.shape[axis])
    picked = values.index_select(axis, chosen.reshape(-1))
    return picked.reshape((*values.shape[:axis], *places.shape, *values.shape[axis + 1 :]))


def _gather_elements(node: Node, values: Tensor, places: Tensor) -> Tensor:
    axis = node.get("axis", 0)
    return values.gather(axis, from_front(places, values.shape[axis]))


def _gather_nd(node: Node, values: Tensor, places: Tensor) -> Tensor:
    """Pick by vectors of places, the last axis of `places`; the first `batch_dims` axes go together."""
    batch, depth = node.get("batch_dims", 0), places.shape[-1]
    together = values.shape[:batch]
    index: list[Tensor] = []
    for axis, size in enumerate(together):
        counted = torch.arange(size, device=values.device)
        index.append(counted.reshape([-1 if other == axis else 1 for other in range(places.dim() - 1)]))
    index += [from_front(places[..., axis], values.shape[batch + axis]) for axis in range(depth)]
    return values[tuple(index)]


def _one_hot(node: Node, places: Tensor, depth: Tensor, off_on: Tensor) -> Tensor:
    """Put the `on` value at each place of a new axis; a place beyond the depth has none."""
    size = int(depth.item())
    axis = node.get("axis", -1)
    axis += places.dim() + 1 if axis < 0 else 0
    counted = torch.arange(size, device=places.device).reshape(-1, *[1] * (places.dim() - axis))
    hit = from_front(places, size).unsqueeze(axis) == counted
    return torch.where(hit, off_on[1], off_on[0])


def _non_zero(_: Node, values: Tensor) -> Tensor:
    """Return the places that are not zero, a row for each axis; a scalar has one."""
    return (values if values.dim() else values.reshape(1)).nonzero().T


def _compress(node: Node, values: Tensor, condition: Tensor) -> Tensor:
    """Keep what the condition, which may end early, says of an axis or of the flat tensor."""
    kept = condition.nonzero().reshape(-1)
    return values.index_select(node.attributes["axis"], kept) if node.has("axis") else values.reshape(-1)[kept]


def _trilu(node: Node, values: Tensor, diagonal: Tensor | None = None) -> Tensor:
    shift = 0 if diagonal is None else int(diagonal.item())
    return values.triu(shift) if node.get("upper", 1) else values.tril(shift)


INDEX: Final[tuple[Operator, ...]] = (
    Operator(name="Gather", function=_gather),
    Operator(name="GatherElements", function=_gather_elements),
    Operator(name="GatherND", function=_gather_nd),
    Operator(name="OneHot", function=_one_hot),
    Operator(name="NonZero", function=_non_zero),
    Operator(name="Compress", function=_compress),
    Operator(name="Trilu", function=_trilu),
)
