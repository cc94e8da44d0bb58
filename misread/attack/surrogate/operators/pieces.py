"""Tensors cut up, put together, padded and repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _concat(node: Node, *values: Tensor) -> Tensor:
    return torch.cat(values, node.attributes["axis"])


def _split(node: Node, values: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    """Cut along an axis: into the sizes given, or into equal pieces, of which the last may be smaller."""
    axis = node.get("axis", 0)
    given = node.get("split", []) if sizes is None else sizes.tolist()
    if not given:
        total, count = values.shape[axis], node.get("num_outputs", len(node.outputs))
        each = -(-total // count)
        given = [max(0, min(each, total - each * index)) for index in range(count)]
    return torch.split_with_sizes(values, given, axis)


def _slice(node: Node, values: Tensor, *given: Tensor | None) -> Tensor:
    """Cut a range out of some axes: attributes before opset 10, inputs since, which may also step backwards."""
    if given:
        starts, ends, axes, steps = ([*given, None, None])[:4]
        first, last = _numbers(starts), _numbers(ends)
    else:
        first, last, axes, steps = node.attributes["starts"], node.attributes["ends"], None, None
    along = node.get("axes", [*range(len(first))]) if axes is None else _numbers(axes)
    by = [1] * len(first) if steps is None else _numbers(steps)
    for axis, start, end, step in zip(along, first, last, by, strict=True):
        values = _cut(values, axis, range(*slice(start, end, step).indices(values.shape[axis])))
    return values


def _numbers(values: Tensor | None) -> list[Any]:
    """Return the numbers of a vector that has to be there."""
    return [] if values is None else values.tolist()


def _cut(values: Tensor, axis: int, places: range) -> Tensor:
    """Take evenly spaced places along an axis; torch's slices know no step backwards."""
    index: list[slice] = [slice(None)] * values.dim()
    if places.step > 0 or not places:
        index[axis] = slice(places.start, max(places.start, places.stop), abs(places.step)) if places else slice(0, 0)
        return values[tuple(index)]
    index[axis] = slice(places[-1], places[0] + 1, -places.step)
    return values[tuple(index)].flip(axis)


def _pad(
    node: Node, values: Tensor, pads: Tensor | None = None, fill: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    """Pad or crop: all beginnings, then all ends, of all axes or of those named; by a value or by what is there."""
    rank = values.dim()
    amounts = node.attributes["pads"] if pads is None else pads.tolist()
    along = [*range(rank)] if axes is None else [axis % rank for axis in axes.tolist()]
    ends = {axis: (amounts[place], amounts[place + len(along)]) for place, axis in enumerate(along)}
    if node.get("mode", "constant") == "constant":
        value = node.get("value", 0.0) if fill is None else fill.item()
        flat = [amount for axis in reversed(range(rank)) for amount in ends.get(axis, (0, 0))]
        return functional.pad(values, flat, value=value)
    for axis, (before, after) in ends.items():
        if before or after:
            places = torch.arange(-before, values.shape[axis] + after, device=values.device)
            values = values.index_select(axis, _sources(node, places, values.shape[axis]))
    return values


def _sources(node: Node, places: Tensor, size: int) -> Tensor:
    """Return which of `size` places each place, some of them outside, is a copy of."""
    mode = node.get("mode", "")
    if mode == "edge":
        return places.clamp(0, size - 1)
    if mode == "wrap":
        return places % size
    if mode == "reflect":
        folded = places % max(1, 2 * (size - 1))
        return torch.minimum(folded, 2 * (size - 1) - folded)
    raise node.refuse(f"mode {mode!r}")


def _tile(_: Node, values: Tensor, repeats: Tensor) -> Tensor:
    return values.repeat(repeats.tolist())


PIECES: Final[tuple[Operator, ...]] = (
    Operator(name="Concat", function=_concat),
    Operator(name="Split", function=_split),
    Operator(name="Slice", function=_slice),
    Operator(name="Pad", function=_pad),
    Operator(name="Tile", function=_tile),
)
