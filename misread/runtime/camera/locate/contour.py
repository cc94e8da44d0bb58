"""A sign without markers, by its colour and outline."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, log
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.registry import unknown
from misread.runtime.camera.locate.target import Target, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from misread.pixels import UInt8

Hues = tuple[tuple[int, int], ...]

COLOURS: Final[Mapping[str, Hues]] = {"red": ((0, 9), (165, 179)), "blue": ((98, 128),), "yellow": ((16, 34),)}
"""Hues in OpenCV's 180 steps; both ends belong to them."""
MIN_SIDE_PX: Final = 14
MIN_ASPECT: Final = 0.5  # A sign turned by 60 degrees.
_SATURATIONS: Final = (90, 60)  # Strict first: bricks are red too. Then for signs in poor light.
_MIN_VALUE: Final = 30
_SOLID: Final = 0.85  # Share of its convex hull that an outline fills.
_TRIANGLE: Final = 0.06
_CORNERS: Final = (0.02, 0.025, 0.03)  # Coarseness of the outline, of its length, at which eight corners may show.
_ROUND: Final = (0.9, 1.12)  # Area in that of the ellipse in the same box; a square has 1.27.
_RIM: Final = 0.04  # White around the colour, which belongs to the sign.
_PATIENCE: Final = 5
_FAR: Final = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outline:
    left: float
    top: float
    width: float
    height: float
    area: float

    def away(self, other: _Outline) -> float:
        """How far this is from another one, in its sizes, a change of size counted in."""
        size = max(other.width, other.height)
        x = self.left - other.left + (self.width - other.width) / 2
        y = self.top - other.top + (self.height - other.height) / 2
        return hypot(x, y) / size + abs(log(self.area / other.area)) / 2


class Contour:
    """Finds the largest octagon, ellipse or triangle of a colour, and from then on the one nearest to the last.

    Which exhibit it is and how it stands, it does not know.

    Args:
        colour: `red`, `blue` or `yellow`.

    Raises:
        OptionError: Another colour.

    """

    def __init__(self, colour: str = "red") -> None:
        if colour not in COLOURS:
            raise OptionError(unknown("colour", colour, tuple(COLOURS)))
        self._hues = COLOURS[colour]
        self._last: _Outline | None = None
        self._lost = 0

    def locate(self, frame: UInt8) -> Target | None:
        """Look for the sign; None when none is wholly in the frame."""
        hsv = cv2.cvtColor(cv2.GaussianBlur(frame, (3, 3), 0), cv2.COLOR_RGB2HSV)
        tries = (self._choose(_outlines(_mask(hsv, self._hues, least))) for least in _SATURATIONS)
        chosen = next((one for one in tries if one is not None), None)
        if chosen is None:
            self._lost += 1
            if self._lost >= _PATIENCE:
                self._last = None
            return None
        self._last, self._lost = chosen, 0
        target = Target(corners=_box(chosen, frame))
        return target if whole(target.corners, frame) else None

    def _choose(self, outlines: list[_Outline]) -> _Outline | None:
        last = self._last
        if last is None:
            return max(outlines, key=lambda one: one.area, default=None)
        near = min(outlines, key=lambda one: one.away(last), default=None)
        return near if near is not None and near.away(last) < _FAR else None


def _mask(hsv: cv2.typing.MatLike, hues: Hues, saturation: int) -> NDArray[np.uint8]:
    """Mark pixels of the colour, 255 or 0, small gaps closed."""
    mask = np.zeros(hsv.shape[:2], np.uint8)
    for low, high in hues:
        mask |= np.asarray(cv2.inRange(hsv, (low, saturation, _MIN_VALUE), (high, 255, 255)), np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)


def _outlines(mask: NDArray[np.uint8]) -> list[_Outline]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    height, width = mask.shape
    found = []
    for contour in contours:
        left, top, across, down = cv2.boundingRect(contour)
        cut = left <= 0 or top <= 0 or left + across >= width or top + down >= height
        if not cut and min(across, down) >= MIN_SIDE_PX and _shaped(np.asarray(contour, np.int32)):
            area = float(cv2.contourArea(contour))
            found.append(_Outline(left=left, top=top, width=across, height=down, area=area))
    return found


def _shaped(contour: NDArray[np.int32]) -> bool:
    """Whether an outline is a full octagon, ellipse or triangle, seen at up to 60 degrees."""
    hull = cv2.convexHull(contour)
    area, length = float(cv2.contourArea(hull)), cv2.arcLength(hull, closed=True)
    (_, (first, second), _) = cv2.minAreaRect(hull)
    if min(first, second) < MIN_ASPECT * max(first, second) or cv2.contourArea(contour) < _SOLID * area:
        return False
    if _ROUND[0] <= area / (np.pi / 4 * first * second) <= _ROUND[1]:
        return True
    if len(cv2.approxPolyDP(hull, _TRIANGLE * length, closed=True)) == 3:
        return True
    return any(7 <= len(cv2.approxPolyDP(hull, share * length, closed=True)) <= 9 for share in _CORNERS)


def _box(outline: _Outline, frame: UInt8) -> NDArray[np.float32]:
    rim_x, rim_y = _RIM * outline.width, _RIM * outline.height
    left, top = max(outline.left - rim_x, 0.0), max(outline.top - rim_y, 0.0)
    right = min(outline.left + outline.width + rim_x, float(frame.shape[1]))
    bottom = min(outline.top + outline.height + rim_y, float(frame.shape[0]))
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
