"""The picture made smaller and brought back to its size, as previews and transfers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.resample import resize

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class ResizeRoundTrip:
    """Down to a fraction of each side and back up, both with the antialiased bilinear kernel.

    Attributes:
        factor: the fraction, above 0 and below 1.
    """

    factor: float

    def __post_init__(self) -> None:
        """Refuse a factor that makes nothing smaller."""
        if not 0 < self.factor < 1:
            raise OptionError(f"a resize round trip goes to a fraction between 0 and 1, got {self.factor}; write 0.5")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"resize-{self.factor:g}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return "half size and back" if self.factor == 0.5 else f"{self.factor:g} of the size and back"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture after the round trip; no side gets shorter than one pixel."""
        height, width = image.shape[:2]
        small = (max(1, round(height * self.factor)), max(1, round(width * self.factor)))
        return resize(resize(image, small), (height, width))
