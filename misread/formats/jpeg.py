"""JPEG: baseline, progressive, grey and CMYK; OpenCV fills what is missing with grey and says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import cv2

from misread.formats.base import imdecode, truncated
from misread.formats.exif import EXIF_HEAD, upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.formats.base import Levels

_XMP_HEAD: Final = b"http://ns.adobe.com/xap/1.0/\0"
_APP1: Final = 0xE1
_SCAN: Final = 0xDA


@final
class Jpeg:
    """Orientation stands in an application segment before the first scan."""

    suffixes = (".jpg", ".jpeg")

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return data.startswith(b"\xff\xd8")

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the upright picture, (h, w, 3) BGR.

        Raises:
            FileError: truncated, damaged or too large.
        """
        if data.rfind(b"\xff\xd9") <= data.rfind(b"\xff\xda"):
            raise truncated(name)
        return upright(imdecode(data, name, "JPEG", cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), _blocks(data))


def _blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the EXIF and XMP segments, the last of each kind first, since the first shall count."""
    found = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        if data[at + 1] == 0xFF:  # fill
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == _APP1:
            found.append(data[at + 4 : end])
        at = end
    for segment in reversed(found):
        if segment.startswith(EXIF_HEAD):
            yield "exif", segment
        elif segment.startswith(_XMP_HEAD):
            yield "xmp", segment
