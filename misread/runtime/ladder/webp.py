"""The picture stored once as lossy WebP, as web servers and messengers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.pixels import decode_image, encode_webp

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class Webp:
    """Lossy WebP, colour planes at half size.

    Attributes:
        quality: libwebp's scale, 1 to 100.
    """

    quality: int

    def __post_init__(self) -> None:
        """Refuse a quality that lossy WebP does not have."""
        if not 1 <= self.quality <= 100:
            raise OptionError(f"a WebP quality lies between 1 and 100, got {self.quality}")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"webp-{self.quality}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"WebP {self.quality}"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture encoded and decoded again."""
        return decode_image(encode_webp(image, self.quality), self.name)
