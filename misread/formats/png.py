"""PNG: all colour types and depths, interlaced or not; OpenCV fills what is missing with grey and says nothing."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final, final

import numpy as np

from misread.formats.base import imdecode, truncated
from misread.formats.exif import upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.formats.base import Levels

_HEAD: Final = b"\x89PNG\r\n\x1a\n"
_XMP: Final = b"XML:com.adobe.xmp\0"
_GREY: Final = 0


@final
class Png:
    """Orientation stands in an eXIf chunk, or as XMP in an iTXt chunk."""

    suffixes = (".png",)

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return data.startswith(_HEAD)

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the upright picture.

        Raises:
            FileError: truncated, damaged or too large.
        """
        chunks = list(_chunks(data))
        if not chunks or chunks[-1][0] != b"IEND":
            raise truncated(name)
        found = dict(reversed(chunks))
        picture = imdecode(data, name, "PNG")
        depth, colour = found.get(b"IHDR", b"")[8:10] or (0, None)
        if colour == _GREY and b"tRNS" in found:
            picture = _with_alpha(picture, depth, found[b"tRNS"])
        xmp = next((chunk for kind, chunk in chunks if kind == b"iTXt" and chunk.startswith(_XMP)), b"")
        return upright(picture, [("exif", found.get(b"eXIf", b"")), ("xmp", xmp)])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each chunk, up to the end or to the first that is not whole; no pixels."""
    at = len(_HEAD)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return
        yield kind, b"" if kind in {b"IDAT", b"fdAT"} else data[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end


def _with_alpha(grey: Levels, depth: int, transparent: bytes) -> Levels:
    """Return (h, w, 4) of (h, w) grey with one transparent level, which OpenCV does not look at."""
    full = 65535 if depth == 16 else 255
    level = int.from_bytes(transparent[:2]) * (full // (2**depth - 1))
    alpha = np.where(grey == level, 0, full).astype(grey.dtype)
    return np.dstack([grey, grey, grey, alpha])
