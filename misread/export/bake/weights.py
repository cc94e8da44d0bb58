"""The weights of `misread.taps`, computed inside the graph from the picture's size, number for number.

A row of them is zero but for a narrow band. So outputs are taken in blocks, and each block of outputs meets only the
band of inputs that it reaches: few products, and none of the memory that whole matrices would need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.export.bake.sketch import BOOL, DOUBLE, FLOAT, INT64, Value

if TYPE_CHECKING:
    from misread.card import Interpolation

_BLOCK: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis of the picture on its way to the input.

    Attributes:
        size_in: pixels of the picture, a whole number.
        size_out: pixels after the resize.
        start: first of these that the input holds; below 0 where padding comes first.
        length: how many the input holds.
        padded: whether it may hold more than there are.
    """

    size_in: Value
    size_out: Value
    start: Value
    length: int
    padded: bool

    def outputs(self, count: int) -> Value:
        """Return which `count` pixels after the resize the input holds, (count,); the nearest one for padding."""
        sketch = self.start.sketch
        places = sketch.constant(np.arange(count), INT64) + self.start
        return places.at_least(0).at_most(self.size_out - 1)

    def inside(self) -> Value:
        """Tell which pixels of the input are picture and not padding, (length,)."""
        places = self.start.sketch.constant(np.arange(self.length), INT64) + self.start
        return places.sketch.constant(-1, INT64).below(places) & places.below(self.size_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bands:
    """What the outputs of one axis are made of, block by block; the last block may reach beyond the last output.

    Attributes:
        axis: that they belong to.
        rows: (blocks * reach,) whole numbers, ascending: the inputs that each block meets.
        weights: (blocks, outputs of a block, reach) float32.
        reach: inputs that a block meets.
        blocks: how many there are; of a padded axis they hold the picture only.
        block: outputs of one.
    """

    axis: Axis
    rows: Value
    weights: Value
    reach: Value
    blocks: Value | int
    block: int


def nearest_rows(axis: Axis) -> Value:
    """Return the input that each output takes, (length,)."""
    scale = axis.size_in.cast(DOUBLE) / axis.size_out.cast(DOUBLE)
    sketch = scale.sketch
    steps = sketch.node("Expand", scale, (axis.size_out - 1).reshaped(1))
    summed = sketch.node("Concat", (scale / 2.0).reshaped(1), steps, axis=0)
    summed = sketch.node("CumSum", summed, sketch.constant(0, INT64))  # Pillow adds up, and ties fall by that
    rows = summed.plain("Floor").cast(INT64).at_most(axis.size_in - 1)
    return rows.gathered(axis.outputs(axis.length), 0)


def bands(axis: Axis, interpolation: Interpolation, *, antialias: bool) -> Bands:
    """Return the weights of a kernel that is not `nearest`."""
    whole = interpolation == "area" or antialias
    block = min(_BLOCK, axis.length) if whole else 1
    blocks, outputs = _blocks(axis, block)
    scale = axis.size_in.cast(DOUBLE) / axis.size_out.cast(DOUBLE)
    centres = (outputs + 0.5) * scale
    if interpolation == "area":
        low, high = centres - scale / 2.0, centres + scale / 2.0
        first = low.plain("Floor")
        reach = _whole(scale * float(block)) + 2
        positions = _positions(first, reach)
        weights = (high.at_most(positions + 1.0) - low.at_least(positions)).at_least(0.0)
        weights = _where_inside(weights, axis, positions)
    elif antialias:
        widen = scale.at_least(1.0)
        support = widen * _support(interpolation)
        first = (centres - support + 0.5).at_least(0.0).plain("Floor")
        last = (centres + support + 0.5).plain("Floor")
        reach = _whole(scale * float(block - 1) + support * 2.0) + 2
        positions = _positions(first, reach)
        weights = _kernel((positions + 0.5 - centres) / widen, interpolation, -0.5)
        weights = weights.where(_at_least(positions, first) & positions.below(last), 0.0)
        weights = _where_inside(weights, axis, positions)
    else:
        taps = 2.0 * _support(interpolation)
        first = (centres - 0.5).plain("Floor") - (taps / 2.0 - 1.0)
        reach = scale.sketch.constant(int(taps), INT64)
        positions = _positions(first, reach)
        weights = _kernel(positions + 0.5 - centres, interpolation, -0.75)
    total = scale.sketch.node("ReduceSum", weights, scale.sketch.constant([2], INT64), keepdims=1)
    rows = positions.cast(INT64).at_least(0).at_most(axis.size_in - 1)  # beyond the edge the edge is repeated
    return Bands(
        axis=axis,
        rows=rows.reshaped(-1),
        weights=(weights / total).cast(FLOAT),
        reach=reach,
        blocks=blocks,
        block=block,
    )


def _blocks(axis: Axis, block: int) -> tuple[Value | int, Value]:
    """Return how many blocks there are, and which outputs each holds, (blocks, block, 1).

    Padding is not computed: of a padded axis that is all of the picture and nothing else.
    """
    if not axis.padded:
        count = -(-axis.length // block)
        return count, axis.outputs(count * block).reshaped(-1, block, 1).cast(DOUBLE)
    blocks = (axis.size_out + (block - 1)) // block
    places = _range(blocks * block).at_most(axis.size_out - 1)
    return blocks, places.reshaped(-1, block, 1).cast(DOUBLE)


def _positions(first: Value, reach: Value) -> Value:
    """Return the inputs that each block meets, from the first of its first output, (blocks, 1, reach)."""
    sketch = first.sketch
    zero, one = sketch.constant(0, INT64), sketch.constant(1, INT64)
    start = sketch.node("Slice", first, zero.reshaped(1), one.reshaped(1), one.reshaped(1))
    return start + _range(reach).cast(DOUBLE)


def _range(count: Value) -> Value:
    zero, one = (count.sketch.constant(number, INT64) for number in (0, 1))
    return count.sketch.node("Range", zero, count, one)


def _where_inside(weights: Value, axis: Axis, positions: Value) -> Value:
    inside = _at_least(positions, positions.sketch.constant(0, DOUBLE)) & positions.below(axis.size_in.cast(DOUBLE))
    return weights.where(inside, 0.0)


def _at_least(one: Value, other: Value) -> Value:
    return one.sketch.node("GreaterOrEqual", one, other, dtype=BOOL)


def _whole(number: Value) -> Value:
    return number.plain("Ceil").cast(INT64)


def _support(interpolation: Interpolation) -> float:
    return 1.0 if interpolation == "bilinear" else 2.0


def _kernel(x: Value, interpolation: Interpolation, a: float) -> Value:
    x = x.plain("Abs")
    if interpolation == "bilinear":
        return (1.0 - x).at_least(0.0)
    near = (x * (a + 2) - (a + 3)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return near.where(x.below(1.0), far.where(x.below(2.0), 0.0))
