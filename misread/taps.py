"""Which pixels of an axis a resized pixel is made of, and how much of each: the one source of every resize.

Antialiased kernels are Pillow's and widen as the picture shrinks. The others are those of OpenCV and torch. `area`
averages by covered area; `nearest` takes the pixel under the centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError

if TYPE_CHECKING:
    from misread.card import Interpolation

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

MAX_TAPS: Final = 2**22
MAX_NUMBERS: Final = 2**26
_PILLOW: Final = -0.5  # the free parameter of the cubic kernel
_OPENCV: Final = -0.75


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Taps:
    """One axis of a resize, read-only: output pixel i is ``weights[i] @ input[first[i] : first[i] + k]``.

    Attributes:
        first: (n,) whole numbers, never falling.
        weights: (n, k) float32; rows sum to 1, and what would lie beyond the input's end is 0.
    """

    first: Int64
    weights: Float32


@lru_cache(maxsize=64)
def taps(
    size_in: int,
    size_out: int,
    interpolation: Interpolation,
    antialias: bool,  # noqa: FBT001
    window: tuple[int, int] | None = None,
) -> Taps:
    """Return what resizes an axis of `size_in` pixels to `size_out`.

    Args:
        size_in: pixels there are.
        size_out: pixels wanted.
        interpolation: the kernel.
        antialias: widen the kernel where the picture shrinks.
        window: the first output pixel to make and the one after the last; all, where it is None.

    Raises:
        InputError: more than 2^22 weights; a long and narrow picture must not take all memory.
    """
    start, stop = window or (0, size_out)
    scale = size_in / size_out
    reach = _reach(scale, interpolation, antialias)
    if max((stop - start) * (2 * math.ceil(reach) + 1), stop if interpolation == "nearest" else 0) > MAX_TAPS:
        raise _too_long(size_in, size_out)
    centres: Float64 = (np.arange(start, stop, dtype=np.float64) + 0.5) * scale
    if size_in == size_out:
        first, weights = np.arange(start, stop), np.ones((stop - start, 1))
    elif interpolation == "nearest":
        summed = np.cumsum(np.r_[scale / 2, np.full(stop - 1, scale)])[start:]  # Pillow adds up; ties fall by that
        first, weights = np.minimum(summed.astype(np.int64), size_in - 1), np.ones((stop - start, 1))
    elif interpolation == "area":
        first, weights = _covered(centres, scale)
    elif antialias:
        first, weights = _widened(centres, reach, max(scale, 1.0), interpolation)
    else:
        first, weights = _sampled(centres, size_in, interpolation)
    weights[first[:, None] + np.arange(weights.shape[1]) >= size_in] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    result = Taps(first=first, weights=weights.astype(np.float32))
    result.first.setflags(write=False)
    result.weights.setflags(write=False)
    return result


def resize_weights(size_in: int, size_out: int, interpolation: Interpolation, antialias: bool) -> Float32:  # noqa: FBT001
    """Return the (size_out, size_in) matrix that resizes one axis; rows sum to 1.

    Raises:
        InputError: it would have more than 2^26 numbers.
    """
    axis = taps(size_in, size_out, interpolation, antialias)
    return matrix(axis, size_in)


def matrix(axis: Taps, size_in: int) -> Float32:
    """Return the taps as an (n, size_in) matrix.

    Raises:
        InputError: more than 2^26 numbers.
    """
    count, width = axis.weights.shape
    if count * size_in > MAX_NUMBERS:
        raise _too_long(size_in, count)
    wide = np.zeros((count, size_in + width), np.float32)
    wide[np.arange(count)[:, None], axis.first[:, None] + np.arange(width)] = axis.weights
    return np.ascontiguousarray(wide[:, :size_in])


def _too_long(size_in: int, size_out: int) -> InputError:
    message = (
        f"a picture with a side of {size_in} pixels, to be resized to {size_out}, is too long and narrow to be "
        "read; cut it to the part that matters"
    )
    return InputError(message)


def _reach(scale: float, interpolation: Interpolation, antialias: bool) -> float:  # noqa: FBT001
    """Return how far from its centre a kernel looks, in pixels of the input."""
    if interpolation in {"nearest", "area"}:
        return scale / 2
    return (1.0 if interpolation == "bilinear" else 2.0) * (max(scale, 1.0) if antialias else 1.0)


def _covered(centres: Float64, scale: float) -> tuple[Int64, Float64]:
    low, high = (centres - scale / 2)[:, None], (centres + scale / 2)[:, None]
    first = np.maximum(np.floor(low + 1e-9), 0).astype(np.int64)
    positions = first + np.arange(math.ceil(scale) + 1)
    return first[:, 0], np.maximum(np.minimum(high, positions + 1) - np.maximum(low, positions), 0)


def _widened(centres: Float64, reach: float, widen: float, interpolation: Interpolation) -> tuple[Int64, Float64]:
    first = np.maximum(centres - reach + 0.5, 0).astype(np.int64)[:, None]
    last = (centres + reach + 0.5).astype(np.int64)[:, None]
    positions = first + np.arange(int((last - first).max()))
    weights = _kernel((positions + 0.5 - centres[:, None]) / widen, interpolation, _PILLOW)
    return first[:, 0], np.where(positions < last, weights, 0.0)


def _sampled(centres: Float64, size_in: int, interpolation: Interpolation) -> tuple[Int64, Float64]:
    """Two or four taps; those that fall outside count for the pixel at the edge."""
    width = 2 if interpolation == "bilinear" else 4
    positions = np.floor(centres - 0.5).astype(np.int64)[:, None] + np.arange(width) - (width // 2 - 1)
    values = _kernel(positions + 0.5 - centres[:, None], interpolation, _OPENCV)
    inside = np.clip(positions, 0, size_in - 1)
    weights = np.zeros(values.shape)
    np.add.at(weights, (np.arange(len(centres))[:, None], inside - inside[:, :1]), values)
    return inside[:, 0], weights


def _kernel(x: Float64, interpolation: Interpolation, a: float) -> Float64:
    x = np.abs(x)
    if interpolation == "bilinear":
        return np.maximum(1 - x, 0)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
