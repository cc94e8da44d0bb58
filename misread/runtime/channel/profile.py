"""Named, versioned ranges from which a clip's settings are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.runtime.channel.base import Channel
from misread.runtime.channel.codec import Codec
from misread.runtime.channel.defocus import Defocus
from misread.runtime.channel.light import Light
from misread.runtime.channel.sensor import Sensor

if TYPE_CHECKING:
    import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Ranges (lowest, highest) of one kind of camera and place.

    Attributes:
        name: What it is called, with its version: results of different versions are not comparable.
        gain: Exposure.
        slope: Unevenness of the light, both axes.
        defocus_px: Radius of the blur disc.
        electrons: Sensor counts at white.
        quality: JPEG quality.

    """

    name: str
    gain: Range
    slope: Range
    defocus_px: Range
    electrons: Range
    quality: int

    def __post_init__(self) -> None:
        """Refuse ranges that run backwards."""
        for field in ("gain", "slope", "defocus_px", "electrons"):
            low, high = getattr(self, field)
            if not low <= high:
                message = f"profile {self.name}: {field} runs from {low} to {high}"
                raise OptionError(message)

    def draw(self, rng: np.random.Generator) -> Channel:
        """Draw the settings of one clip: light, optics and sensor. The codec is `codec()`."""
        return Channel(
            stages=(
                Light(
                    gain=float(rng.uniform(*self.gain)),
                    slope_x=float(rng.uniform(*self.slope)),
                    slope_y=float(rng.uniform(*self.slope)),
                ),
                Defocus(radius_px=float(rng.uniform(*self.defocus_px))),
                # In steps of 100, so that few noise tables are made.
                Sensor(electrons=float(round(rng.uniform(*self.electrons), -2))),
            )
        )

    def codec(self) -> Codec:
        """Give the encoder that sends the frames."""
        return Codec(quality=self.quality)


PROFILES: Final[tuple[Profile, ...]] = (
    Profile(
        name="webcam-outdoor-1",
        gain=(0.75, 1.12),
        slope=(-0.25, 0.25),
        defocus_px=(0.6, 1.6),
        electrons=(1200, 4000),
        quality=85,
    ),
    Profile(
        name="webcam-dusk-1",
        gain=(0.45, 0.7),
        slope=(-0.35, 0.35),
        defocus_px=(0.8, 2.4),
        electrons=(300, 900),
        quality=75,
    ),
)
