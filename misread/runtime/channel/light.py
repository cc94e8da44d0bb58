"""Exposure, and light that falls unevenly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

import cv2
import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

_UNIT: Final = 100  # The gain 1.0 as a level of the 8-bit map; gains reach 2.55.
MAX_GAIN: Final = 2.0
MAX_SLOPE: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Light:
    """A gain that changes linearly over the picture.

    Attributes:
        gain: Gain in the middle, above 0 to 2.
        slope_x: Share by which the gain rises from the left edge to the right one, -0.5 to 0.5.
        slope_y: The same from top to bottom.

    """

    name: ClassVar[str] = "light"
    gain: float = 1.0
    slope_x: float = 0.0
    slope_y: float = 0.0

    def __post_init__(self) -> None:
        """Refuse gains that the 8-bit map cannot hold."""
        if not (0 < self.gain <= MAX_GAIN and abs(self.slope_x) <= MAX_SLOPE and abs(self.slope_y) <= MAX_SLOPE):
            message = f"light wants a gain in (0, {MAX_GAIN}] and slopes within {MAX_SLOPE}, got {self}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Multiply by the gain map."""
        del rng
        height, width = image.shape[:2]
        return np.asarray(cv2.multiply(image, _map(self, height, width), scale=1 / _UNIT), np.uint8)


@lru_cache(maxsize=4)
def _map(light: Light, height: int, width: int) -> NDArray[np.uint8]:
    across = light.slope_x * (np.arange(width) / max(width - 1, 1) - 0.5)
    down = light.slope_y * (np.arange(height) / max(height - 1, 1) - 0.5)
    gain = light.gain * (1 + across[None, :] + down[:, None])
    return np.repeat(np.clip(np.rint(gain * _UNIT), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
