"""Signs drawn from their recipe: no photographs, no fonts, no licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.assets.recipes import RECIPES
from misread.errors import OptionError, UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWN: Final[tuple[str, ...]] = tuple(RECIPES)
MARGIN: Final = 0.02
MAX_SIZE_PX: Final = 4096
_OVERSAMPLING: Final = 4
_SUBPIXEL_BITS: Final = 6


def draw_sign(label: str, size_px: int) -> NDArray[np.uint8]:
    """Draw a sign, edges antialiased, nothing around it.

    Args:
        label: One of `DRAWN`.
        size_px: Side of the square picture, 4 to 4096.

    Returns:
        (size_px, size_px, 4) uint8 RGBA with straight alpha; the sign leaves a margin of 2 % on each side.

    Raises:
        UnknownName: The label is not in `DRAWN`.
        OptionError: The size is out of range.

    """
    if label not in RECIPES:
        message = f"no drawing for the sign {label!r}; drawn are: {', '.join(DRAWN)}"
        raise UnknownName(message)
    if not 4 <= size_px <= MAX_SIZE_PX:
        message = f"size_px is the side of the drawn sign, 4 to {MAX_SIZE_PX}, got {size_px}"
        raise OptionError(message)
    side = size_px * _OVERSAMPLING
    canvas = np.zeros((side, side, 4), np.uint8)
    scale = side / 2 * (1 - 2 * MARGIN)
    for layer in RECIPES[label]:
        pixels = [_fixed(contour * scale + (side - 1) / 2) for contour in layer.contours]
        cv2.fillPoly(canvas, pixels, (*layer.colour, 255), cv2.LINE_8, _SUBPIXEL_BITS)
    return _reduce(canvas, size_px)


def _fixed(contour: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round(contour * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _reduce(canvas: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    # Colour is averaged where it covers only, else the transparent black outside would darken the rim.
    alpha = canvas[..., 3:].astype(np.float32) / 255
    premultiplied = np.concatenate([canvas[..., :3] * alpha, alpha], axis=2)
    small = cv2.resize(premultiplied, (size_px, size_px), interpolation=cv2.INTER_AREA).astype(np.float32)
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    small[..., 3] *= 255
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
