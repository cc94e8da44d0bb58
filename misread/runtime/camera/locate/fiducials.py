"""The board by its markers, which also say which exhibit hangs there.

The four large ones in the corners do from afar. The eight small ones along the edges are looked for only where the
large ones are not all found: close up, when those leave the frame.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.runtime.board import CORNER_DICTIONARY, EDGE_DICTIONARY, Layout, read_marker
from misread.runtime.camera.locate.pose import Gauge
from misread.runtime.camera.locate.target import Target, clear_share, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from misread.pixels import UInt8
    from misread.runtime.board import Mark

MIN_MARKERS: Final = 3
SURE_MARKER_PX: Final = 25.0  # From here on two markers across the picture pin its plane down.
MAX_ERROR: Final = 0.02  # Of the picture's size; a marker misread or a bent board goes beyond.
MIN_SPAN: Final = 0.4  # Of the board's side, along both axes; markers of one side leave the other to extrapolation.
_LARGE: Final = 4
_REACH: Final = 0.6

Found = dict[int, dict["Mark", "NDArray[np.float32]"]]


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
        self._detectors = {
            dictionary: cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary), settings)
            for dictionary in (CORNER_DICTIONARY, EDGE_DICTIONARY)
        }
        self._near: tuple[int, int, int, int] | None = None

    def locate(self, frame: UInt8) -> Target | None:
        """Look near the last place first, then everywhere."""
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        areas = [(0, 0, grey.shape[1], grey.shape[0])]
        if self._near is not None:
            areas.insert(0, self._near)
        for left, top, right, bottom in areas:
            found: Found = {}
            for dictionary in self._detectors:
                if max(map(len, found.values()), default=0) < _LARGE:
                    self._detect(dictionary, grey[top:bottom, left:right], (left, top), found)
            target = self._best(found, (grey.shape[0], grey.shape[1]))
            if target is not None and whole(target.corners, frame):
                self._near = _around(target, frame)
                return target
        self._near = None
        return None

    def _detect(self, dictionary: int, grey: NDArray[np.uint8], offset: tuple[int, int], found: Found) -> None:
        corners, markers, _ = self._detectors[dictionary].detectMarkers(np.ascontiguousarray(grey))
        ids: Any = markers  # OpenCV's types do not tell of the None where nothing is found
        if ids is None:
            return
        for marker, points in zip(ids.ravel(), corners, strict=True):
            mark = (dictionary, int(marker))
            if (exhibit := read_marker(mark)) in self._aspects:
                seen = points.reshape(4, 2) + np.array(offset, np.float32) + np.float32(0.5)
                found.setdefault(exhibit, {})[mark] = seen

    def _best(self, found: Found, frame_hw: tuple[int, int]) -> Target | None:
        if not found:
            return None
        exhibit = Counter({index: len(markers) for index, markers in found.items()}).most_common(1)[0][0]
        markers, places = found[exhibit], self._layout.markers(exhibit)
        side_px = float(np.mean([np.linalg.norm(points[0] - points[1]) for points in markers.values()]))
        board = np.concatenate([places[mark] for mark in markers])
        # Two markers of one side leave the other side to extrapolation (3 % off at 15 degrees); a diagonal does not.
        spans = float(np.ptp(board, axis=0).min()) >= MIN_SPAN
        if not spans or (len(markers) < MIN_MARKERS and side_px < SURE_MARKER_PX):
            return None
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
        marks = cv2.perspectiveTransform(np.concatenate(list(places.values()))[None], homography)[0]
        share = clear_share(corners, marks.reshape(-1, 4, 2).astype(np.float32))
        return replace(target, sight=self._gauge.sight(board, seen, frame_hw), share=share)


def _around(target: Target, frame: UInt8) -> tuple[int, int, int, int]:
    low, high = target.corners.min(axis=0), target.corners.max(axis=0)
    reach = (high - low) * _REACH
    left, top = np.maximum(np.floor(low - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + reach), frame.shape[1::-1]).astype(int)
    return int(left), int(top), int(right), int(bottom)
