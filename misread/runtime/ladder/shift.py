"""The picture a little beside its place, as when a detector's box or a crop is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class Shift:
    """Down and to the right by whole pixels; the edge is repeated where nothing is known.

    Attributes:
        share: of each side, above 0 and below 1; a side moves by one pixel at least.
    """

    share: float

    def __post_init__(self) -> None:
        """Refuse a share that moves nothing, or everything out of sight."""
        if not 0 < self.share < 1:
            raise OptionError(f"a shift is a share of the side between 0 and 1, got {self.share}; write 0.02")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"shift-{self.share:g}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"crop off by {100 * self.share:g} %"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture moved."""
        rows, columns = (np.maximum(np.arange(side) - max(1, round(side * self.share)), 0) for side in image.shape[:2])
        return np.ascontiguousarray(image[rows[:, None], columns])
