"""BMP: 1, 4 and 8 bits with a palette, 24 and 32 bits."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, final

from misread.formats.base import imdecode, truncated, unread

if TYPE_CHECKING:
    from misread.formats.base import Levels

_HEADER: Final = 54
_PLAIN, _MASKED = 0, (3, 6)
_SHORTEST: Final = 40  # those of OS/2 are shorter, and OpenCV takes the colours of some for grey
_WITH_ALPHA_MASK: Final = 56  # length of the shortest header that has one
_BYTES: Final = frozenset(0xFF << shift for shift in (0, 8, 16, 24))


@final
class Bmp:
    """A fourth byte is alpha only where a header of version 3 or later says so."""

    suffixes = (".bmp",)

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return data.startswith(b"BM")

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the picture.

        Raises:
            FileError: truncated, damaged, too large, or with colours of 5 or 6 bits, which OpenCV makes too dark.
        """
        if len(data) < _HEADER:
            raise truncated(name)
        start, size = struct.unpack_from("<II", data, 10)
        if size < _SHORTEST:
            raise unread(name, "BMP", "the header of OS/2")
        width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
        masks = struct.unpack_from("<3I", data.ljust(66, b"\0"), _HEADER) if packing in _MASKED else ()
        if bits == 16 or not set(masks) <= _BYTES:
            raise unread(name, "BMP", "colours of other than 8 bits")
        line = (width * bits + 31) // 32 * 4
        if packing in {_PLAIN, *_MASKED} and start + line * abs(height) > len(data):
            raise truncated(name)
        picture = imdecode(data, name, "BMP")
        opaque = size < _WITH_ALPHA_MASK and picture.ndim == 3
        return picture[..., :3] if opaque else picture
