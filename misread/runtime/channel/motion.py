"""The camera or the thing moves while the shutter is open: a straight stroke of even light."""

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

MAX_LENGTH_PX: Final = 64.0
_PER_PX: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """The blur of even motion.

    Attributes:
        length_px: Of the stroke, 0 to 64.
        angle_deg: Its direction, from right to down.

    """

    name: ClassVar[str] = "motion"
    length_px: float = 3.0
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse strokes without end."""
        if not (0 <= self.length_px <= MAX_LENGTH_PX and np.isfinite(self.angle_deg)):
            message = f"a stroke is 0 to {MAX_LENGTH_PX:.0f} px long at a finite angle, got {self}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Convolve with the stroke."""
        del rng
        kernel = stroke(round(self.length_px, 2), round(self.angle_deg, 1))
        return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


@lru_cache(maxsize=64)
def stroke(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """Draw the stroke: points in even steps, each shared by its four pixels; it sums to 1."""
    along = (np.arange(max(round(length_px * _PER_PX), 1)) + 0.5) / _PER_PX - length_px / 2
    along = along if length_px else np.zeros(1)
    reach = int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    x, y = along * np.cos(np.deg2rad(angle_deg)) + reach, along * np.sin(np.deg2rad(angle_deg)) + reach
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (1 - abs(x - left - right)) * (1 - abs(y - top - down))
        np.add.at(kernel, (top + down, left + right), share)
    return np.asarray(kernel / kernel.sum(), np.float32)
