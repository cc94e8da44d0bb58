"""One resize rule, as weights for one axis and then the other: the device, the attack and the graph share it.

An antialiased bicubic overshoots and is clipped to 0..255 between the axes, as Pillow's is, so there the order counts:
it is that of Pillow 13, the width first unless the height shrinks by more than twice as many pixels. Elsewhere it is
the quicker one. Only Pillow's rounding between the axes is left out, so the result is within 1 level of it and
differentiable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.taps import taps

if TYPE_CHECKING:
    from misread.card import Interpolation
    from misread.taps import Taps

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Pixels = UInt8 | Float32
Window = tuple[int, int]
#: Outputs, the inputs that they are made of, and their weights.
Product = tuple[slice, slice, Float32]
#: Inputs, the columns to take at a time, and the products to take of them.
Block = tuple[slice, int, tuple[Product, ...]]

#: Outputs that one product makes: each needs its own part of the input, and most of it is shared.
_TOGETHER: Final = 4
_TOGETHER_GROWING: Final = 16
#: Multiplications that BLAS does not hand to its threads: waking them costs more than the product.
_SINGLE_THREADED: Final = 2**18
#: Products on one block of the input, which becomes float32 while it is in the cache.
_CACHED: Final = 4
#: How many times larger what lies between the axes may be where that spares turning the whole picture.
_LARGER: Final = 4


def resize(
    image: UInt8,
    size_hw: tuple[int, int],
    *,
    interpolation: Interpolation = "bilinear",
    antialias: bool = True,
    windows: tuple[Window, Window] | None = None,
) -> UInt8:
    """Resize (h, w, c) uint8, rounding to the nearest level once, at the end.

    Args:
        image: (h, w, c) uint8, c from 1 to 4.
        size_hw: height and width wanted.
        interpolation: the kernel.
        antialias: widen the kernel where the picture shrinks.
        windows: the rows and columns of the result that are wanted, each from and to; nothing else is computed.

    Raises:
        InputError: a side so long that resizing it would take all memory.
    """
    height, width = windows or ((0, size_hw[0]), (0, size_hw[1]))
    if image.shape[:2] == tuple(size_hw):
        return np.ascontiguousarray(image[slice(*height), slice(*width)])
    rows = taps(image.shape[0], size_hw[0], interpolation, antialias, height)
    columns = taps(image.shape[1], size_hw[1], interpolation, antialias, width)
    if interpolation == "nearest":
        return np.asarray(image[rows.first[:, None], columns.first])
    half: Pixels = image[_reach(rows, image.shape[0]), _reach(columns, image.shape[1])]
    clips = clips_between(interpolation, antialias=antialias)
    height_first = height_goes_first(image.shape, size_hw) if clips else _height_is_quicker(rows, columns, half)
    passes = [("height", rows)] if image.shape[0] != size_hw[0] else []
    if image.shape[1] != size_hw[1]:
        passes.insert(len(passes) if height_first else 0, ("width", columns))
    down = "height"
    for side, axis in passes:
        if side != down:
            half, down = _turned(half), side
        half = _down(axis, half)
        if clips:
            np.clip(half, 0, 255, out=half)
    levels: UInt8 = np.clip(np.add(half, np.float32(0.5), out=half), 0, 255, out=half).astype(np.uint8)
    upright: UInt8 = levels if down == "height" else _turned(levels)
    return upright


def height_goes_first(size_hw: tuple[int, ...], new_hw: tuple[int, ...]) -> bool:
    """Tell whether Pillow 13 resizes the height before the width."""
    return size_hw[0] - new_hw[0] > max(0, 2 * (size_hw[1] - new_hw[1]))


def clips_between(interpolation: Interpolation, *, antialias: bool) -> bool:
    """Tell whether values are clipped to 0..255 between the axes; only bicubic leaves that range."""
    return interpolation == "bicubic" and antialias


def _height_is_quicker(rows: Taps, columns: Taps, picture: Pixels) -> bool:
    """Tell whether to begin with the height, which spares turning the whole picture."""
    height, width, _ = picture.shape
    return bool(len(rows.first) * width <= _LARGER * height * len(columns.first))


def _turned(picture: Pixels) -> Any:
    """Return (h, w, c) as (w, h, c), of the same type."""
    height, width, channels = picture.shape
    return np.asarray(cv2.transpose(picture)).reshape(width, height, channels)


def _down(axis: Taps, picture: Pixels) -> Float32:
    """Resize the height of (h, w, c), in blocks that stay in the cache."""
    height, width, channels = picture.shape
    pixels = picture.reshape(height, width * channels)
    result = np.empty((len(axis.first), width * channels), np.float32)
    for reach, step, products in blocks_of(axis, height):
        for left in range(0, width * channels, step):
            piece = slice(left, left + step)
            block = np.asarray(pixels[reach, piece], np.float32)
            for outputs, inputs, weights in products:
                np.matmul(weights, block[inputs], out=result[outputs, piece])
    return result.reshape(-1, width, channels)


def _reach(axis: Taps, size_in: int) -> slice:
    return slice(int(axis.first[0]), min(int(axis.first[-1]) + axis.weights.shape[1], size_in))


@lru_cache(maxsize=64)
def blocks_of(axis: Taps, height: int) -> tuple[Block, ...]:
    """Return what `_down` does to a picture that begins where the axis does."""
    grows = axis.first[-1] - axis.first[0] < len(axis.first) - 1
    together = _TOGETHER_GROWING if grows else _TOGETHER
    products = [_product(axis, start, together, height) for start in range(0, len(axis.first), together)]
    groups = [products[at : at + _CACHED] for at in range(0, len(products), _CACHED)]
    blocks = []
    for group in groups:
        low, high = group[0][1].start, max(inputs.stop for _, inputs, _ in group)
        step = max(1, _SINGLE_THREADED // max(weights.size for _, _, weights in group))
        moved = tuple((out, slice(used.start - low, used.stop - low), weights) for out, used, weights in group)
        blocks.append((slice(low, high), step, moved))
    return tuple(blocks)


def _product(axis: Taps, start: int, together: int, height: int) -> Product:
    """Return the product that makes the outputs from `start` on; the last are taken together with those before."""
    count, width = axis.weights.shape
    start = max(0, min(start, count - together))
    stop = min(start + together, count)
    first = axis.first[start:stop] - axis.first[0]
    low, high = int(first[0]), int(first[-1]) + width
    weights = np.zeros((stop - start, high - low), np.float32)
    weights[np.arange(stop - start)[:, None], (first - low)[:, None] + np.arange(width)] = axis.weights[start:stop]
    return slice(start, stop), slice(low, min(high, height)), np.ascontiguousarray(weights[:, : height - low])
