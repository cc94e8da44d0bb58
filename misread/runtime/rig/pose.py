"""Where the board hangs, and where a pinhole camera sees its corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """A pinhole camera that looks along the road.

    Attributes:
        width: Of a frame, in pixels.
        height: Of a frame.
        focal_px: Focal length; 820 px at a width of 960 is a field of view of 61 degrees.

    """

    width: int = 960
    height: int = 540
    focal_px: float = 820.0

    def __post_init__(self) -> None:
        """Refuse frames that no codec takes."""
        if not (64 <= self.width <= 4096 and 64 <= self.height <= 4096 and self.focal_px > 0):
            raise OptionError(f"a camera has 64 to 4096 pixels a side and a positive focal length, got {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """The board before the camera.

    Attributes:
        distance_m: From the camera to the board's centre, along the optical axis.
        x_m: Of the centre, to the right of the axis.
        y_m: Of the centre, below the axis.
        yaw_deg: Turn about the vertical.
        pitch_deg: Tilt about the horizontal.
        roll_deg: Turn in the picture plane.

    """

    distance_m: float
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a board behind the camera or seen from its edge."""
        if not (self.distance_m > 0 and abs(self.yaw_deg) < 85 and abs(self.pitch_deg) < 85):
            raise OptionError(
                f"the board hangs before the camera and faces it (yaw, pitch below 85 degrees), got {self}"
            )

    def project(self, side_m: float, camera: Camera) -> NDArray[np.float64]:
        """Give the (4, 2) corners of a board of this side in continuous pixels: tl, tr, br, bl.

        Raises:
            OptionError: A corner comes to lie behind the camera.

        """
        half = side_m / 2
        corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]], np.float64)
        points = corners @ _rotation(self.yaw_deg, self.pitch_deg, self.roll_deg).T
        points += (self.x_m, self.y_m, self.distance_m)
        if points[:, 2].min() <= 1e-3:
            raise OptionError(f"a board of {side_m} m at {self.distance_m} m reaches behind the camera; move it away")
        centre = (camera.width / 2, camera.height / 2)
        return points[:, :2] / points[:, 2:] * camera.focal_px + centre


def between(start: Pose, end: Pose, share: float) -> Pose:
    """Give the pose on the straight way from `start` (share 0) to `end` (share 1)."""
    names = ("distance_m", "x_m", "y_m", "yaw_deg", "pitch_deg", "roll_deg")
    return Pose(**{name: getattr(start, name) * (1 - share) + getattr(end, name) * share for name in names})


def _rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    yaw, pitch, roll = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation: NDArray[np.float64] = about_z @ about_x @ about_y
    return rotation
