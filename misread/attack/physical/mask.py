"""Where the sign is: the pixels that a physical attack may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def sign_mask(corners: ArrayLike, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the pixels whose centre lies in a convex outline.

    Args:
        corners: (k, 2) x and y in pixels, at least three, in order around the sign; pixel (0, 0) spans 0 to 1.
        size_hw: Height and width of the picture.

    Returns:
        (h, w) bool.

    Raises:
        OptionError: The outline is not convex, not finite, or has no area.
    """
    outline = np.asarray(corners, dtype=np.float64)
    if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline).all():
        message = f"an outline is at least three (x, y) corners, got an array of shape {outline.shape}"
        raise OptionError(message)
    sides = np.roll(outline, -1, axis=0) - outline
    following = np.roll(sides, -1, axis=0)
    turns = _cross(sides, following)
    if not ((turns >= 0).all() or (turns <= 0).all()) or not np.abs(turns).sum() > 0:
        message = "the outline must be convex and have an area; give its corners in order around the sign"
        raise OptionError(message)
    centres = np.stack(np.meshgrid(np.arange(size_hw[1]) + 0.5, np.arange(size_hw[0]) + 0.5), -1)
    sign = 1.0 if turns.sum() > 0 else -1.0
    inside = np.ones(size_hw, dtype=bool)
    for corner, side in zip(outline, sides, strict=True):
        inside &= sign * _cross(side, centres - corner) >= 0
    return inside


def alpha_mask(rgba: NDArray[np.uint8], *, least: int = 128) -> NDArray[np.bool_]:
    """Mark the pixels of (h, w, 4) uint8 whose alpha is at least ``least``: the sign, without its soft rim at 255.

    Raises:
        InputError: The picture has no alpha channel.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4:
        message = f"expected a picture (h, w, 4) with an alpha channel, got {rgba.shape}"
        raise InputError(message)
    mask: NDArray[np.bool_] = rgba[..., 3] >= least
    return mask


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
