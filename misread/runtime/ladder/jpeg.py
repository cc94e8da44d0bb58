"""The picture stored once as JPEG, as cameras, phones and web servers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.pixels import decode_image, encode_jpeg

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class Jpeg:
    """Baseline JPEG with the colour planes at half size (4:2:0).

    Attributes:
        quality: libjpeg's scale, 1 to 100.
    """

    quality: int

    def __post_init__(self) -> None:
        """Refuse a quality that libjpeg does not have."""
        if not 1 <= self.quality <= 100:
            raise OptionError(f"a JPEG quality lies between 1 and 100, got {self.quality}")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"jpeg-{self.quality}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"JPEG {self.quality}"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture encoded and decoded again."""
        return decode_image(encode_jpeg(image, self.quality), self.name)
