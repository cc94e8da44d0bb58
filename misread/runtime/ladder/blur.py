"""The picture a little out of focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class Blur:
    """Gaussian blur; beyond the edge the picture is mirrored.

    Attributes:
        sigma_px: standard deviation in pixels of the file.
    """

    sigma_px: float

    def __post_init__(self) -> None:
        """Refuse a width that is none."""
        if not 0 < self.sigma_px <= 100:
            raise OptionError(f"a blur has a sigma above 0 and up to 100 pixels, got {self.sigma_px}")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"blur-{self.sigma_px:g}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"blur, sigma {self.sigma_px:g} px"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture blurred, rounded once at the end."""
        blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), self.sigma_px, borderType=cv2.BORDER_REFLECT_101)
        return np.clip(np.rint(blurred), 0, 255).astype(np.uint8)
