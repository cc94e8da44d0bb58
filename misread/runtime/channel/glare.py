"""A highlight that saturates: sun or a lamp on a glossy face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from misread.errors import OptionError
from misread.runtime.channel.linear import to_levels, to_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

MAX_PEAK: Final = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Glare:
    """White light added in the shape of a bell, brighter in its middle than the sensor can hold.

    Attributes:
        x: Of its middle, as a share of the width, 0 to 1.
        y: Likewise of the height.
        radius: Standard deviation of the bell as a share of the height, above 0 to 1.
        peak: Light in the middle, 0 to 8; white paper is 1.

    """

    name: ClassVar[str] = "glare"
    x: float = 0.5
    y: float = 0.5
    radius: float = 0.05
    peak: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a highlight outside the picture or darker than none."""
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0 < self.radius <= 1 and 0 <= self.peak <= MAX_PEAK):
            message = f"glare lies in the picture, radius in (0, 1], peak 0 to {MAX_PEAK:.0f}, got {self}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Add the light."""
        del rng
        return to_levels(to_light(image) + _bell(self, *image.shape[:2]))


@lru_cache(maxsize=2)
def _bell(glare: Glare, height: int, width: int) -> NDArray[np.float32]:
    x, y = np.arange(width) + 0.5 - glare.x * width, np.arange(height) + 0.5 - glare.y * height
    square = (x[None, :] ** 2 + y[:, None] ** 2) / (glare.radius * height) ** 2
    return np.asarray(glare.peak * np.exp(-square / 2), np.float32)[..., None]
