"""Focal lengths, centre and distortion from views of the chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.errors import InputError
from misread.runtime.calibrate.chart import CHART, Chart
from misread.runtime.camera.intrinsics import KIND, Intrinsics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from misread.pixels import UInt8

LENS_KIND: Final = KIND
MIN_CORNERS: Final = 12
MIN_VIEWS: Final = 8
MAX_VIEWS: Final = 40
MIN_MOVE: Final = 0.03  # Of the frame's width, root mean square over the chart's corners.
MIN_TILT_DEG: Final = 15.0  # Between the two views that differ most; from one direction focal length is distance.
MAX_FOCAL_SD: Final = 0.02
MAX_RMS_PX: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LensFit:
    """A lens, and how well it explains what was seen.

    Attributes:
        lens: What was fitted.
        rms_px: Root mean square distance between corners seen and explained.
        focal_sd: Standard deviation of the focal length, as a share of it.
        tilt_deg: Angle between the two views that differ most.
        views: How many were used.
        frames: How many were looked at.

    """

    lens: Intrinsics
    rms_px: float
    focal_sd: float
    tilt_deg: float
    views: int
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    on_chart: NDArray[np.float32]
    seen: NDArray[np.float32]
    outline: NDArray[np.float32]


def fit_lens(frames: Iterable[UInt8], chart: Chart = CHART) -> LensFit:
    """Fit a lens to frames that show the chart.

    Frames without the chart and frames that show it as one before did are passed over; at most 40 views are used.

    Args:
        frames: (h, w, 3) uint8 RGB, all of one size.
        chart: What was filmed.

    Raises:
        InputError: The frames differ in size, show too few different views, or do not determine a lens.

    """
    board = chart.board()
    detector = cv2.aruco.CharucoDetector(board)
    views: list[_View] = []
    size: tuple[int, int] | None = None
    looked = 0
    for frame in frames:
        height, width = frame.shape[:2]
        if size not in {None, (width, height)}:
            raise InputError(f"the frames have several sizes, {size} and {(width, height)}; calibrate at one")
        size, looked = (width, height), looked + 1
        view = _view(frame, board, detector, chart)
        if view is not None and all(_move(view, other) >= MIN_MOVE * width for other in views):
            views.append(view)
        if len(views) == MAX_VIEWS:
            break
    if size is None or len(views) < MIN_VIEWS:
        message = f"a lens takes {MIN_VIEWS} different views of the chart, {looked} frames show {len(views)}"
        raise InputError(f"{message}; move and tilt the chart, fill the frame's corners too, and avoid motion blur")
    return _fit(views, size, looked)


def _view(frame: UInt8, board: Any, detector: Any, chart: Chart) -> _View | None:
    corners, ids, _, _ = detector.detectBoard(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    if ids is None or len(ids) < MIN_CORNERS:
        return None
    on_chart, seen = board.matchImagePoints(corners, ids)
    flat, seen = on_chart.reshape(-1, 3), seen.reshape(-1, 2) + np.float32(0.5)  # continuous pixels
    plane, _ = cv2.findHomography(flat[:, :2], seen, 0)
    found: Any = plane
    if found is None:  # all on one line
        return None
    wide, high = chart.columns * chart.square_mm, chart.rows * chart.square_mm
    outline = np.array([[[0, 0], [wide, 0], [wide, high], [0, high]]], np.float32)
    return _View(on_chart=flat, seen=seen, outline=cv2.perspectiveTransform(outline, found)[0].astype(np.float32))


def _move(one: _View, other: _View) -> float:
    return float(np.sqrt(((one.outline - other.outline) ** 2).sum(axis=1).mean()))


def _fit(views: list[_View], size: tuple[int, int], looked: int) -> LensFit:
    start: Any = None  # OpenCV's types want matrices where it makes its own
    rms, matrix, distortion, turns, _, spread, _, _ = cv2.calibrateCameraExtended(
        [view.on_chart for view in views],
        [view.seen for view in views],
        size,
        start,
        start,
        flags=cv2.CALIB_FIX_K3,
    )
    tilt, focal_sd = _tilt(turns), float(spread.ravel()[0] / matrix[0, 0])
    if tilt < MIN_TILT_DEG or not focal_sd <= MAX_FOCAL_SD:
        message = f"the views are too similar: {tilt:.0f} degrees between those that differ most"
        raise InputError(f"{message}, wanted {MIN_TILT_DEG:g}; tilt the chart about both of its axes")
    if not rms <= MAX_RMS_PX:
        message = f"no lens explains the views: corners are {rms:.1f} px off, expected at most {MAX_RMS_PX:g}"
        raise InputError(f"{message}; keep the chart flat, lock the focus, and film it sharply")
    numbers = [float(number) for number in distortion.ravel()[:5]]
    lens = Intrinsics(
        width=size[0],
        height=size[1],
        focal_px=(float(matrix[0, 0]), float(matrix[1, 1])),
        centre_px=(float(matrix[0, 2]), float(matrix[1, 2])),
        distortion=(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]),
    )
    return LensFit(lens=lens, rms_px=float(rms), focal_sd=focal_sd, tilt_deg=tilt, views=len(views), frames=looked)


def _tilt(turns: Any) -> float:
    normals = np.stack([cv2.Rodrigues(np.asarray(turn))[0][:, 2] for turn in turns])
    return float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1).min())))
