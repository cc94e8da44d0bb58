"""JPEG by a real encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.errors import OptionError
from misread.pixels import decode_image, encode_jpeg

if TYPE_CHECKING:
    import numpy as np

    from misread.pixels import UInt8

BEST: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """Baseline JPEG with 4:2:0 chroma, as webcams send it.

    Attributes:
        quality: 1 to 100.

    """

    name: ClassVar[str] = "codec"
    quality: int = 85

    def __post_init__(self) -> None:
        """Refuse a quality that libjpeg would clamp."""
        if not 1 <= self.quality <= BEST:
            message = f"JPEG quality is 1 to 100, got {self.quality}"
            raise OptionError(message)

    def encode(self, image: UInt8) -> bytes:
        """Encode (h, w, 3) uint8 RGB."""
        return encode_jpeg(image, self.quality)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Encode and decode."""
        del rng
        return decode_image(self.encode(image), "a frame")
