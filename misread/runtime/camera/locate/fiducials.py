"""The board by its four ArUco markers, which also say which exhibit hangs there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.runtime.board import Layout, read_marker_id
from misread.runtime.camera.locate.pose import Gauge
from misread.runtime.camera.locate.target import Target, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from misread.pixels import UInt8

MIN_MARKERS: Final = 3
SURE_MARKER_PX: Final = 25.0  # From here on two markers across the picture pin its plane down.
MAX_ERROR: Final = 0.02  # Of the picture's size; a marker misread or a bent board goes beyond.
_REACH: Final = 0.6

Found = dict[int, dict[int, "NDArray[np.float32]"]]


class Fiducials:
    """Finds a board and the picture on it.

    Args:
        aspects: Width over height of the picture of each exhibit that may hang there; others are not seen.
        layout: Of the board.
        gauge: Tells distance and angle from the markers; the default one knows no lens.

    """

    def __init__(
        self, aspects: Mapping[int, float], *, layout: Layout | None = None, gauge: Gauge | None = None
    ) -> None:
        self._gauge = gauge or Gauge()
        self._aspects, self._layout = dict(aspects), layout or Layout()
        settings = cv2.aruco.DetectorParameters()
        # Contour lines keep their accuracy down to 16 px a marker; OpenCV's AprilTag refinement is half a pixel off.
        settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_CONTOUR
        dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
        self._detector = cv2.aruco.ArucoDetector(dictionary, settings)
        self._near: tuple[int, int, int, int] | None = None

    def locate(self, frame: UInt8) -> Target | None:
        """Look near the last place first, then everywhere."""
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        areas = [(0, 0, grey.shape[1], grey.shape[0])]
        if self._near is not None:
            areas.insert(0, self._near)
        for left, top, right, bottom in areas:
            found = self._detect(grey[top:bottom, left:right], (left, top))
            target = self._best(found, (grey.shape[0], grey.shape[1]))
            if target is not None and whole(target.corners, frame):
                self._near = _around(target, frame)
                return target
        self._near = None
        return None

    def _detect(self, grey: NDArray[np.uint8], offset: tuple[int, int]) -> Found:
        corners, markers, _ = self._detector.detectMarkers(np.ascontiguousarray(grey))
        ids: Any = markers  # OpenCV's types do not tell of the None where nothing is found
        found: Found = {}
        if ids is None:
            return found
        for marker, points in zip(ids.ravel(), corners, strict=True):
            exhibit, corner = read_marker_id(int(marker))
            if exhibit in self._aspects:
                found.setdefault(exhibit, {})[corner] = (
                    points.reshape(4, 2) + np.array(offset, np.float32) + np.float32(0.5)
                )
        return found

    def _best(self, found: Found, frame_hw: tuple[int, int]) -> Target | None:
        if not found:
            return None
        exhibit = Counter({index: len(markers) for index, markers in found.items()}).most_common(1)[0][0]
        markers = found[exhibit]
        side_px = float(np.mean([np.linalg.norm(points[0] - points[1]) for points in markers.values()]))
        # Two markers of one side leave the other side to extrapolation (3 % off at 15 degrees); a diagonal does not.
        diagonal = {0, 2} <= markers.keys() or {1, 3} <= markers.keys()
        if len(markers) < MIN_MARKERS and not (diagonal and side_px >= SURE_MARKER_PX):
            return None
        board = np.concatenate([self._layout.marker_corners(corner) for corner in markers])
        seen = np.concatenate(list(markers.values()))
        found_plane, _ = cv2.findHomography(board, seen, 0)
        homography: Any = found_plane
        if homography is None:
            return None
        back = cv2.perspectiveTransform(board[None], homography)[0]
        picture = self._layout.picture_corners(self._aspects[exhibit])
        corners = cv2.perspectiveTransform(picture[None], homography)[0].astype(np.float32)
        target = Target(corners=corners, exhibit=exhibit, markers=len(markers), planar=True)
        error = float(np.sqrt(((back - seen) ** 2).sum(axis=1).mean()))
        if error > max(MAX_ERROR * target.size_px, 1.0):
            return None
        return replace(target, sight=self._gauge.sight(board, seen, frame_hw))


def _around(target: Target, frame: UInt8) -> tuple[int, int, int, int]:
    low, high = target.corners.min(axis=0), target.corners.max(axis=0)
    reach = (high - low) * _REACH
    left, top = np.maximum(np.floor(low - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + reach), frame.shape[1::-1]).astype(int)
    return int(left), int(top), int(right), int(bottom)
