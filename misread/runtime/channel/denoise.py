"""What a camera's processor does against noise: an edge-preserving filter, which takes fine texture with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import cv2
import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.pixels import UInt8

MAX_LEVELS: Final = 100.0
MAX_SPACE_PX: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Denoise:
    """A bilateral filter.

    Attributes:
        levels: Differences well below this many levels are smoothed away, those above stay; 0 to 100, 0 does nothing.
        space_px: Standard deviation of its reach, above 0 to 5.

    """

    name: ClassVar[str] = "denoise"
    levels: float = 20.0
    space_px: float = 1.5

    def __post_init__(self) -> None:
        """Refuse reaches that would take seconds."""
        if not (0 <= self.levels <= MAX_LEVELS and 0 < self.space_px <= MAX_SPACE_PX):
            message = (
                f"denoise wants 0 to {MAX_LEVELS:.0f} levels and a reach in (0, {MAX_SPACE_PX:.0f}] px, got {self}"
            )
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Smooth between edges."""
        del rng
        if self.levels == 0:
            return image.copy()
        diameter = 2 * round(1.5 * self.space_px) + 1
        return np.asarray(cv2.bilateralFilter(image, diameter, self.levels, self.space_px), np.uint8)
