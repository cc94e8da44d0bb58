"""From metres to sensor pixels."""

from __future__ import annotations

from dataclasses import dataclass

from misread.attack.physical.channel.ranges import Range
from misread.errors import OptionError


@dataclass(frozen=True, kw_only=True, slots=True)
class Lens:
    """A pinhole camera before a picture of known height.

    Attributes:
        sign_mm: Height of the printed picture in millimetres.
        focal_px: Focal length in sensor pixels.

    Raises:
        OptionError: A length that is not above 0.
    """

    sign_mm: float
    focal_px: float

    def __post_init__(self) -> None:
        """Refuse lengths that are none."""
        if not (0 < self.sign_mm < float("inf") and 0 < self.focal_px < float("inf")):
            message = f"a picture and a focal length are above 0 and finite, got {self.sign_mm} and {self.focal_px}"
            raise OptionError(message)

    def sensor_px(self, distance_m: Range) -> Range:
        """Heights on the sensor over a range of distances; neutral is the nearest.

        Raises:
            OptionError: The range reaches 0.
        """
        if not distance_m.low > 0:
            message = f"the sheet is in front of the lens, got a distance from {distance_m.low} m"
            raise OptionError(message)
        near, far = self._over(distance_m.low), self._over(distance_m.high)
        return Range(low=far, high=near, neutral=near, log=True)

    def distance_m(self, sensor_px: float) -> float:
        """How far away a picture is that is so high on the sensor."""
        return self.sign_mm / 1000 * self.focal_px / sensor_px

    def heights(self, sensor_px: float) -> float:
        """The same distance in heights of the picture: the strength of perspective."""
        return self.focal_px / sensor_px

    def _over(self, distance_m: float) -> float:
        return self.focal_px * self.sign_mm / 1000 / distance_m
