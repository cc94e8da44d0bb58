"""What stands in front of a network: from the picture itself to its input, as `fit` and `to_input` compute them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.export.bake.sketch import BOOL, DOUBLE, FLOAT, INT64, UINT8, Sketch, Value
from misread.export.bake.weights import Axis, Bands, bands, nearest_rows
from misread.resample import clips_between

if TYPE_CHECKING:
    from misread.card import ModelCard

_LUMA: Final = (19595.0, 38470.0, 7471.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """A sketch from the picture to the network's input.

    Attributes:
        sketch: its nodes and constants.
        output: (n, c, h, w) float32.
    """

    sketch: Sketch
    output: Value


def front(card: ModelCard, picture: str, prepared: str | None) -> Front:
    """Sketch the way of a card.

    Args:
        card: says resize, colour order and normalisation.
        picture: name of the input (n, h, w, 3) uint8 RGB.
        prepared: name of the boolean input that keeps a picture from being cropped; None where nothing is cropped.
    """
    sketch = Sketch()
    start = Value(sketch=sketch, name=picture, dtype=UINT8)
    flag = Value(sketch=sketch, name=prepared, dtype=BOOL) if prepared else None
    axes = _placement(start, card, flag)
    fitted = _fit(start, axes, card)
    return Front(sketch=sketch, output=_to_input(_padded(fitted, axes, card), card))


def _placement(picture: Value, card: ModelCard, prepared: Value | None) -> tuple[Axis, Axis]:
    """Sketch `misread.pixels.placement`: rows and columns."""
    height, width = picture.side(1), picture.side(2)
    zero = picture.sketch.constant(0, INT64)
    sides = [picture.sketch.constant(side, INT64) for side in card.size_hw]
    if card.resize == "squash":
        sizes, starts = sides, [zero, zero]
    elif card.resize == "crop":
        sizes = _cropped(height, width, card)
        starts = [_rounded((size - side).cast(DOUBLE) / 2.0) for size, side in zip(sizes, sides, strict=True)]
    else:
        sizes = _inside(height, width, sides)
        starts = [0 - _rounded((side - size).cast(DOUBLE) / 2.0 - 0.1) for size, side in zip(sizes, sides, strict=True)]
    if prepared is not None:
        sizes = [side.where(prepared, size) for side, size in zip(sides, sizes, strict=True)]
        starts = [zero.where(prepared, start) for start in starts]
    rows, columns = (
        Axis(size_in=size_in, size_out=size, start=start, length=length, padded=card.resize == "letterbox")
        for size_in, size, start, length in zip((height, width), sizes, starts, card.size_hw, strict=True)
    )
    return rows, columns


def _cropped(height: Value, width: Value, card: ModelCard) -> list[Value]:
    """Sizes after the resize: the shorter side is `resize_px`, the other keeps the aspect, cut to a whole number."""
    short = card.resize_px or min(card.size_hw)
    shorter = height.at_most(width)
    return [(side * short // shorter).at_least(short) for side in (height, width)]


def _inside(height: Value, width: Value, sides: list[Value]) -> list[Value]:
    """Sizes after the resize of a letterbox: the picture's aspect, inside the input."""
    down, across = (side.cast(DOUBLE) / own.cast(DOUBLE) for side, own in zip(sides, (height, width), strict=True))
    ratio = down.at_most(across)
    return [_rounded(own.cast(DOUBLE) * ratio).at_least(1) for own in (height, width)]


def _rounded(number: Value) -> Value:
    return number.plain("Round").cast(INT64)


def _fit(picture: Value, axes: tuple[Axis, Axis], card: ModelCard) -> Value:
    """Sketch `misread.pixels.fit`: (n, h, w, 3) float32, whole numbers."""
    if card.interpolation == "nearest":
        rows, columns = (nearest_rows(axis) for axis in axes)
        return picture.gathered(rows, 1).gathered(columns, 2).cast(FLOAT)
    high, wide = (bands(axis, card.interpolation, antialias=card.antialias) for axis in axes)
    if card.resize == "crop":
        picture, high = _trimmed(picture, high, 1)
        picture, wide = _trimmed(picture, wide, 2)
    if clips_between(card.interpolation, antialias=card.antialias):
        resized = picture.sketch.choose(
            _height_goes_first(*axes),
            lambda inner: _passes(picture.within(inner), (high, wide), across=False, clips=True),
            lambda inner: _passes(picture.within(inner), (high, wide), across=True, clips=True),
        )
    else:  # the order is free, and a picture lies in memory row by row
        resized = _passes(picture, (high, wide), across=False, clips=False)
    return (resized + 0.5).plain("Floor").clipped(0.0, 255.0)


def _padded(fitted: Value, axes: tuple[Axis, Axis], card: ModelCard) -> Value:
    """Put the grey of a letterbox around (n, h, w, 3)."""
    if card.resize != "letterbox":
        return fitted
    rows, columns = (axis.inside() for axis in axes)
    return fitted.where(rows.reshaped(-1, 1, 1) & columns.reshaped(-1, 1), float(card.pad_level))


def _height_goes_first(rows: Axis, columns: Axis) -> Value:
    """Sketch `misread.resample.height_goes_first`."""
    return ((columns.size_in - columns.size_out) * 2).at_least(0).below(rows.size_in - rows.size_out)


def _trimmed(picture: Value, weighed: Bands, axis: int) -> tuple[Value, Bands]:
    """Leave out what a crop never reaches: of a wide picture that is half of it."""
    sketch, rows = picture.sketch, weighed.rows
    first, last = (rows.gathered(sketch.constant(end, INT64), 0) for end in (0, -1))
    bounds = first.reshaped(1), (last + 1).reshaped(1), sketch.constant([axis], INT64)
    return sketch.node("Slice", picture, *bounds), replace(weighed, rows=rows - first)


def _passes(picture: Value, weighed: tuple[Bands, Bands], *, across: bool, clips: bool) -> Value:
    """Resize (n, h, w, 3), the width first where `across`; return (n, h, w, 3) float32, not rounded."""
    count, (high, wide) = picture.side(0), weighed
    if across:
        once = _first_axis(picture.transposed(0, 2, 1, 3), wide, count)
        once = once.clipped(0.0, 255.0) if clips else once
        return _first_axis(once.transposed(0, 2, 1, 3), high, count)
    once = _first_axis(picture, high, count)
    once = once.clipped(0.0, 255.0) if clips else once
    return _first_axis(once.transposed(0, 2, 1, 3), wide, count).transposed(0, 2, 1, 3)


def _first_axis(pixels: Value, weighed: Bands, count: Value) -> Value:
    """Resize axis 1 of (n, size, other, 3)."""
    axis, other = weighed.axis, pixels.side(2)
    met = pixels.gathered(weighed.rows, 1)
    met = met if met.dtype == FLOAT else met.cast(FLOAT)
    met = met.reshaped(count, weighed.blocks, weighed.reach, -1)
    made = pixels.sketch.node("MatMul", weighed.weights, met, dtype=FLOAT)
    made = made.reshaped(count, weighed.blocks * weighed.block, other, 3)
    if axis.padded:
        return made.gathered(axis.outputs(axis.length), 1)
    surplus = axis.length % weighed.block > 0
    return made.gathered(pixels.sketch.constant(np.arange(axis.length), INT64), 1) if surplus else made


def _to_input(fitted: Value, card: ModelCard) -> Value:
    """Sketch `misread.pixels.to_input`, operation by operation: (n, c, h, w) float32."""
    planes = fitted.transposed(0, 3, 1, 2)
    if card.colour == "grey":
        luma = fitted.sketch.node("MatMul", fitted, fitted.sketch.constant([[part] for part in _LUMA], FLOAT))
        planes = ((luma + 32768.0) / 65536.0).plain("Floor").transposed(0, 3, 1, 2)
    elif card.colour == "bgr":
        planes = planes.gathered(fitted.sketch.constant([2, 1, 0], INT64), 1)
    if card.scale == 1 / 255:
        planes = planes / 255.0
    elif card.scale != 1:
        planes = planes * card.scale
    if any(card.mean):
        planes = planes - fitted.sketch.constant(np.reshape(card.mean, (-1, 1, 1)), FLOAT)
    if set(card.std) != {1.0}:
        planes = planes / fitted.sketch.constant(np.reshape(card.std, (-1, 1, 1)), FLOAT)
    return planes
