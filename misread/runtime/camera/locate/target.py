"""Where the picture to read is in a frame, and how it is cut out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8
    from misread.runtime.camera.locate.sight import Sight

Crop = Literal["raw", "rectified"]
MIN_SIDE_PX: Final = 8
_STEPS: Final = 32
_SPARE: Final = 0.01  # Where the markers are is known to a fraction of a pixel.


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A picture found in a frame.

    Attributes:
        corners: (4, 2) float32 continuous pixels: top left, top right, bottom right, bottom left.
        exhibit: Which exhibit the markers name, or None without markers.
        markers: How many markers were used.
        planar: Whether the corners follow the picture's perspective, so that it can be rectified.
        sight: Distance and angle, where markers and lens tell of them.
        share: Of the sides of its upright box that the raw crop takes, around the middle, so that no marker is in it:
            the box of a board that is rolled or seen from aside reaches beyond its picture.

    """

    corners: NDArray[np.float32]
    exhibit: int | None = None
    markers: int = 0
    planar: bool = False
    sight: Sight | None = None
    share: float = 1.0

    @property
    def size_px(self) -> float:
        """Mean length of the edges."""
        return float(np.linalg.norm(self.corners - np.roll(self.corners, 1, axis=0), axis=1).mean())

    def crops(self, frame: UInt8) -> dict[Crop, UInt8]:
        """Cut the picture out: the upright box around it, and where possible the picture seen from the front."""
        crops: dict[Crop, UInt8] = {"raw": _box(frame, self.corners, self.share)}
        if self.planar:
            crops["rectified"] = _rectify(frame, self.corners)
        return crops


class Locator(Protocol):
    """Finds the picture in a frame."""

    def locate(self, frame: UInt8) -> Target | None:
        """Look at an (h, w, 3) uint8 RGB frame; None when the picture is not wholly in it."""
        ...


def whole(corners: NDArray[np.float32], frame: UInt8) -> bool:
    """Whether a quadrilateral lies inside the frame and is large enough to be read."""
    height, width = frame.shape[:2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = bool(low.min() >= 0 and high[0] <= width and high[1] <= height)
    return inside and bool((high - low).min() >= MIN_SIDE_PX)


def clear_share(corners: NDArray[np.float32], keep_out: NDArray[np.float32]) -> float:
    """Give how much of the upright box of a picture holds none of these quadrilaterals, as a share of its sides.

    Args:
        corners: (4, 2) of the picture.
        keep_out: (k, 4, 2), convex.

    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-6)
    # The nearest point lies on an outline; walked in steps, so what is found is rounded down by one.
    way = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    ends = np.roll(keep_out, -1, axis=1)[:, :, None]
    outlines = keep_out[:, :, None] * (1 - way) + ends * way
    away = np.abs(outlines - (low + high) / 2) / half
    step = np.linalg.norm((ends - keep_out[:, :, None]) / half, axis=-1).max() / _STEPS
    return float(np.clip(away.max(axis=-1).min() - step - _SPARE, 0.0, 1.0))


def _box(frame: UInt8, corners: NDArray[np.float32], share: float) -> UInt8:
    low, high = corners.min(axis=0), corners.max(axis=0)
    inset = (high - low) * (1 - share) / 2
    # A whole box is rounded to the nearest pixel, one that keeps clear of something inwards.
    inwards = share < 1
    first, last = (np.ceil(low + inset), np.floor(high - inset)) if inwards else (np.rint(low), np.rint(high))
    left, top = np.maximum(first.astype(int), 0)
    right, bottom = np.maximum(last.astype(int), first.astype(int) + 1)
    return np.ascontiguousarray(frame[top:bottom, left:right])


def _rectify(frame: UInt8, corners: NDArray[np.float32]) -> UInt8:
    """Undo the perspective at the size that the picture has in the frame."""
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = max(round((edges[0] + edges[2]) / 2), 1), max(round((edges[1] + edges[3]) / 2), 1)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # OpenCV's pixel centres are whole numbers, ours lie half a pixel further.
    warp = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), flat - np.float32(0.5))
    size = (width, height)
    flat_picture = cv2.warpPerspective(frame, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(flat_picture, np.uint8)
