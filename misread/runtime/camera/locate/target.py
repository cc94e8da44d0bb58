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


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A picture found in a frame.

    Attributes:
        corners: (4, 2) float32 continuous pixels: top left, top right, bottom right, bottom left.
        exhibit: Which exhibit the markers name, or None without markers.
        markers: How many markers were used.
        planar: Whether the corners follow the picture's perspective, so that it can be rectified.
        sight: Distance and angle, where markers and lens tell of them.

    """

    corners: NDArray[np.float32]
    exhibit: int | None = None
    markers: int = 0
    planar: bool = False
    sight: Sight | None = None

    @property
    def size_px(self) -> float:
        """Mean length of the edges."""
        return float(np.linalg.norm(self.corners - np.roll(self.corners, 1, axis=0), axis=1).mean())

    def crops(self, frame: UInt8) -> dict[Crop, UInt8]:
        """Cut the picture out: the upright box around it, and where possible the picture seen from the front."""
        crops: dict[Crop, UInt8] = {"raw": _box(frame, self.corners)}
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


def _box(frame: UInt8, corners: NDArray[np.float32]) -> UInt8:
    left, top = np.maximum(np.rint(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.rint(corners.max(axis=0)).astype(int)
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
