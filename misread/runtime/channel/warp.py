"""A flat thing seen in perspective: supersampled, then averaged by area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

SUPERSAMPLING: Final = 2
_HALF: Final = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
_MINUS_HALF: Final = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])


def paste(scene: UInt8, flat: UInt8, corners: NDArray[np.float64]) -> None:
    """Paint a flat picture into a scene, in place, its edges antialiased.

    Args:
        scene: (h, w, 3) uint8 RGB; changed.
        flat: (h, w, 3) uint8 RGB; is best at most about twice as large as it appears (see `shrink_for`).
        corners: (4, 2) where its corners (top left, top right, bottom right, bottom left) appear, continuous pixels.

    """
    height, width = scene.shape[:2]
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return
    area = scene[top:bottom, left:right]
    size = ((right - left) * SUPERSAMPLING, (bottom - top) * SUPERSAMPLING)
    # OpenCV warps four channels more than twice as fast as three.
    large = cv2.cvtColor(cv2.resize(area, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2RGBA)
    rows, columns = flat.shape[:2]
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    target = ((corners - (left, top)) * SUPERSAMPLING).astype(np.float32)
    # Half a pixel each way: OpenCV puts the centre of the first pixel at 0.
    warp = _MINUS_HALF @ cv2.getPerspectiveTransform(source, target) @ _HALF
    rgba = cv2.cvtColor(flat, cv2.COLOR_RGB2RGBA)
    cv2.warpPerspective(rgba, warp, size, dst=large, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    small = cv2.resize(large, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    scene[top:bottom, left:right] = small[..., :3]


def shrink_for(flat: UInt8, corners: NDArray[np.float64]) -> UInt8:
    """Reduce a picture by area to about the supersampled size at which it appears, so that the warp does not alias."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    wanted = max(int(np.ceil(edges.max() * SUPERSAMPLING)), 1)
    rows, columns = flat.shape[:2]
    factor = wanted / max(rows, columns)
    if factor >= 1:
        return flat
    size = (max(round(columns * factor), 1), max(round(rows * factor), 1))
    return np.asarray(cv2.resize(flat, size, interpolation=cv2.INTER_AREA), np.uint8)
