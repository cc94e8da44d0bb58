"""One resize rule, as matrices: the device, the attack and the graph share it.

Antialiased kernels are Pillow's: the width first, clipped to 0..255, then the height. Only its rounding between the
two is left out, so the result is within 1 level of it and differentiable. (Pillow 13 takes the height first where that
is cheaper; bicubic, which overshoots, then clips elsewhere.) Without antialias the kernels are those of OpenCV and
torch. `area` averages by covered area.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.card import Interpolation

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MAX_WEIGHTS: Final = 2**26
_SINGLE_THREADED: Final = 2**18


def resize(
    image: UInt8, size_hw: tuple[int, int], *, interpolation: Interpolation = "bilinear", antialias: bool = True
) -> UInt8:
    """Resize (h, w, c) uint8, rounding to the nearest level once, at the end.

    Args:
        image: (h, w, c) uint8.
        size_hw: height and width wanted.
        interpolation: the kernel.
        antialias: widen the kernel where the picture shrinks.

    Raises:
        InputError: a side so long that resizing it would take all memory.
    """
    if image.shape[:2] == tuple(size_hw):
        return np.ascontiguousarray(image)
    rows = resize_weights(image.shape[0], size_hw[0], interpolation, antialias)
    columns = resize_weights(image.shape[1], size_hw[1], interpolation, antialias)
    pixels = image.reshape(image.shape[0], -1).astype(np.float32)
    wide = np.clip(_along_rows(columns, pixels, image.shape[2]), 0, 255)
    both = _along_columns(rows, wide).reshape(*size_hw, image.shape[2])
    rounded = np.floor(both + np.float32(0.5))
    levels: UInt8 = np.clip(rounded, 0, 255).astype(np.uint8)
    return levels


@lru_cache(maxsize=32)
def resize_weights(size_in: int, size_out: int, interpolation: Interpolation, antialias: bool) -> Float32:  # noqa: FBT001
    """Return the (size_out, size_in) matrix that resizes one axis; rows sum to 1. Read-only.

    Raises:
        InputError: more than 2^26 weights; a long and narrow picture must not take all memory.
    """
    if size_in * size_out > MAX_WEIGHTS:
        message = (
            f"a picture with a side of {size_in} pixels, to be resized to {size_out}, is too long and narrow to be "
            "read; cut it to the part that matters"
        )
        raise InputError(message)
    scale = size_in / size_out
    centres: Float64 = (np.arange(size_out, dtype=np.float64) + 0.5) * scale
    positions = np.arange(size_in)
    if interpolation == "nearest":
        summed = np.cumsum(np.r_[scale / 2, np.full(size_out - 1, scale)])  # Pillow adds up, and ties fall by that
        weights = (positions[None] == np.minimum(np.floor(summed), size_in - 1)[:, None]).astype(np.float64)
    elif interpolation == "area":
        low, high = centres - scale / 2, centres + scale / 2
        covered = np.minimum(high[:, None], positions + 1) - np.maximum(low[:, None], positions)
        weights = np.maximum(covered, 0)
    elif antialias:
        weights = _antialiased(centres, positions, max(scale, 1.0), interpolation)
    else:
        weights = _sampled(centres, size_in, interpolation)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix: Float32 = weights.astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def _antialiased(centres: Float64, positions: NDArray[np.int64], widen: float, interpolation: Interpolation) -> Float64:
    reach = (1.0 if interpolation == "bilinear" else 2.0) * widen
    first = np.floor(np.maximum(centres - reach + 0.5, 0))[:, None]
    last = np.floor(centres + reach + 0.5)[:, None]
    weights = _kernel((positions + 0.5 - centres[:, None]) / widen, interpolation, -0.5)
    return np.where((positions >= first) & (positions < last), weights, 0.0)


def _sampled(centres: Float64, size_in: int, interpolation: Interpolation) -> Float64:
    weights = np.zeros((len(centres), size_in))
    taps = range(2) if interpolation == "bilinear" else range(-1, 3)
    base = np.floor(centres - 0.5).astype(np.int64)
    for tap in taps:
        value = _kernel(base + tap + 0.5 - centres, interpolation, -0.75)
        np.add.at(weights, (np.arange(len(centres)), np.clip(base + tap, 0, size_in - 1)), value)
    return weights


def _kernel(x: Float64, interpolation: Interpolation, a: float) -> Float64:
    x = np.abs(x)
    if interpolation == "bilinear":
        return np.maximum(1 - x, 0)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _along_rows(weights: Float32, pixels: Float32, channels: int) -> Float32:
    """Resize the width of (h, w * channels), in blocks of outputs: the matrix is a narrow band."""
    result = np.empty((len(pixels), len(weights) * channels), np.float32)
    for block, reach in _bands(weights, 8):
        step = np.kron(weights[block, reach].T, np.eye(channels, dtype=np.float32))
        used = pixels[:, reach.start * channels : reach.stop * channels]
        _product(used, step, result[:, block.start * channels : block.stop * channels])
    return result


def _along_columns(weights: Float32, pixels: Float32) -> Float32:
    """Resize the height of (h, w * channels), likewise."""
    result = np.empty((len(weights), pixels.shape[1]), np.float32)
    for block, reach in _bands(weights, 16):
        _product(pixels[reach].T, weights[block, reach].T, result[block].T)
    return result


def _bands(weights: Float32, size: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, len(weights), size):
        stop = min(start + size, len(weights))
        used = np.flatnonzero(weights[start:stop].any(axis=0))
        yield slice(start, stop), slice(int(used[0]), int(used[-1]) + 1)


def _product(left: Float32, right: Float32, out: Float32) -> None:
    """Write left @ right in pieces that BLAS does not hand to its threads: waking them costs more than the product."""
    rows = max(1, _SINGLE_THREADED // right.size)
    for start in range(0, len(left), rows):
        np.matmul(left[start : start + rows], right, out=out[start : start + rows])
