"""Distance and angle of a board from the corners of its markers."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.runtime.camera.intrinsics import Intrinsics
from misread.runtime.camera.locate.sight import Sight

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_MARKER_PX: Final = 25.0
MANY_MARKERS: Final = 3
MIN_PX_OF_MANY: Final = 16.0  # From three markers on, smaller ones still pin the angle down to about 2 degrees.
MAX_ERROR_PX: Final = 1.5
ASSUMED_FOCAL: Final = 1.0
"""Focal length of an unknown lens, in longer sides of the frame: 53 degrees; for 0.62 to 1.25 angles stay within 3."""
ASSUMED_ERROR: Final = 0.2  # Of a marker's side; perspective does not fit a lens that is only assumed.
_NOISE_PX: Final = 0.3  # Of a corner that was found well; two poses that differ by less explain it alike.
_ALIKE: Final = 2.0
_WORTH: Final = 4.0
_TURN_DEG: Final = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauge:
    """Measures where a board stands.

    Attributes:
        lens: Of the camera; None leaves the distance unknown, and angles are those of a field of view of 53 degrees.
        board_m: Side of the board, edge to edge; None leaves the distance unknown.

    """

    lens: Intrinsics | None = None
    board_m: float | None = None

    def __post_init__(self) -> None:
        """Refuse a board that has no side."""
        if self.board_m is not None and not (isfinite(self.board_m) and 0 < self.board_m <= 100):
            raise OptionError(f"a board is above 0 and at most 100 m wide, got {self.board_m:g} m")

    def sight(self, board: NDArray[np.float32], seen: NDArray[np.float32], frame_hw: tuple[int, int]) -> Sight | None:
        """Say how the board stands; None where the markers do not tell.

        They do not when they are smaller than 25 px (16 px from three markers on), when no plane explains them to
        1.5 px, or when two planes do that are turned apart by more than 20 degrees.

        Args:
            board: (4 n, 2) corners of n markers in shares of the board's side.
            seen: Where they are in the frame, (4 n, 2) continuous pixels.
            frame_hw: Size of the frame.

        Raises:
            OptionError: The lens was calibrated on frames of another shape.

        """
        sides = _sides(seen)
        markers_px = float(sides.mean())
        large = np.sort(sides)[-4:].mean()  # the small ones along the edges do no harm
        enough = len(sides) >= MANY_MARKERS and large >= MIN_PX_OF_MANY
        if not enough and markers_px < MIN_MARKER_PX:
            return None
        height, width = frame_hw
        known = self.lens.scaled(width, height) if self.lens is not None else None
        lens = known or _assumed(width, height)
        pose = _pose(board, seen, lens, MAX_ERROR_PX if known is not None else ASSUMED_ERROR * markers_px)
        if pose is None:
            return None
        rotation, centre = pose
        away = float(np.linalg.norm(centre))
        normal = rotation[:, 2]
        distance = away * self.board_m if known is not None and self.board_m is not None else None
        cosine = float(normal @ centre) / away
        return Sight(
            distance_m=distance,
            angle_deg=float(np.degrees(np.arccos(np.clip(cosine, 0, 1)))),
            yaw_deg=float(np.degrees(np.arctan2(-normal[0], normal[2]))),
            markers_px=markers_px,
        )


def _assumed(width: int, height: int) -> Intrinsics:
    focal = ASSUMED_FOCAL * max(width, height)
    return Intrinsics(width=width, height=height, focal_px=(focal, focal), centre_px=(width / 2, height / 2))


def _sides(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    quads = seen.reshape(-1, 4, 2)
    sides: NDArray[np.float32] = np.linalg.norm(quads - np.roll(quads, 1, axis=1), axis=2).mean(axis=1)
    return sides


def _pose(
    board: NDArray[np.float32], seen: NDArray[np.float32], lens: Intrinsics, most_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Give rotation and centre in sides of the board, where one plane explains the corners."""
    flat = np.column_stack([board - np.float32(0.5), np.zeros(len(board))]).astype(np.float64)
    # Corners and centre are both continuous, so no half pixel comes in between.
    matrix = np.array([[lens.focal_px[0], 0, lens.centre_px[0]], [0, lens.focal_px[1], lens.centre_px[1]], [0, 0, 1]])
    distortion = np.array(lens.distortion)
    pixels = seen.astype(np.float64)
    solved: Any = cv2.solvePnPGeneric(flat, pixels, matrix, distortion, flags=cv2.SOLVEPNP_IPPE)
    count, turns, shifts = solved[:3]
    poses = []
    worth = _WORTH * max(float(np.min(solved[3])), _NOISE_PX)
    for turn, shift, rough in zip(turns[:count], shifts[:count], np.ravel(solved[3])[:count], strict=True):
        if rough > worth:
            continue  # so much worse that refining, half of the time spent here, would not save it
        turn, shift = cv2.solvePnPRefineLM(flat, pixels, matrix, distortion, turn, shift)  # noqa: PLW2901
        back = cv2.projectPoints(flat, turn, shift, matrix, distortion)[0].reshape(-1, 2)
        error = float(np.sqrt(((back - pixels) ** 2).sum(axis=1).mean()))
        rotation = np.asarray(cv2.Rodrigues(turn)[0], np.float64)
        if isfinite(error) and float(rotation[:, 2] @ shift.ravel()) > 0 and shift.ravel()[2] > 0:
            poses.append((error, rotation, np.asarray(shift, np.float64).ravel()))
    poses.sort(key=lambda pose: pose[0])
    if not poses or poses[0][0] > most_px:
        return None
    best = poses[0]
    for error, rotation, _ in poses[1:]:
        turned = float(np.degrees(np.arccos(np.clip(rotation[:, 2] @ best[1][:, 2], -1, 1))))
        if error <= _ALIKE * max(best[0], _NOISE_PX) and turned > _TURN_DEG:
            return None
    return best[1], best[2]
