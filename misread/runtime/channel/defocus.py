"""Defocus: a disc, not a Gauss."""

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

MAX_RADIUS_PX: Final = 32.0
_OVERSAMPLING: Final = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Defocus:
    """The blur of a round aperture.

    Attributes:
        radius_px: Radius of the disc a point becomes, 0 to 32; 0.5 and less changes nothing.

    """

    name: ClassVar[str] = "defocus"
    radius_px: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no radius."""
        if not 0 <= self.radius_px <= MAX_RADIUS_PX:
            message = f"the defocus radius is 0 to {MAX_RADIUS_PX:.0f} px, got {self.radius_px}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Convolve with the disc."""
        del rng
        kernel = disc(round(self.radius_px, 2))
        return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


@lru_cache(maxsize=64)
def disc(radius_px: float) -> NDArray[np.float32]:
    """Draw a disc whose rim pixels count by the share of them that it covers; it sums to 1."""
    reach = max(int(np.ceil(radius_px - 0.5)), 0)
    side = (2 * reach + 1) * _OVERSAMPLING
    offsets = (np.arange(side) - (side - 1) / 2) / _OVERSAMPLING
    covered = (offsets[:, None] ** 2 + offsets[None, :] ** 2 <= max(radius_px, 0.5) ** 2).astype(np.float32)
    size = (2 * reach + 1, 2 * reach + 1)
    kernel = np.asarray(cv2.resize(covered, size, interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(kernel / kernel.sum(), np.float32)
