"""How a flat target stands before the camera."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """Where the target is seen from.

    Attributes:
        distance_m: From the camera to the target's centre; None where the focal length or the board's size is unknown.
        angle_deg: Between the line of sight and the target's normal, 0 (from the front) to 90.
        yaw_deg: Turn about the vertical, positive when the right edge is further away.
        markers_px: Mean side of the markers it was computed from.

    """

    distance_m: float | None
    angle_deg: float
    yaw_deg: float
    markers_px: float
