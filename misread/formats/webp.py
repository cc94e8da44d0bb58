"""WebP: lossy and lossless, with and without alpha; of an animation the first frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from misread.formats.base import imdecode, truncated
from misread.formats.exif import upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.formats.base import Levels


@final
class WebP:
    """Orientation stands in a chunk of its own."""

    suffixes = (".webp",)

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return data[:4] == b"RIFF" and data[8:12] == b"WEBP"

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the upright picture.

        Raises:
            FileError: truncated, damaged or too large.
        """
        if 8 + int.from_bytes(data[4:8], "little") > len(data):
            raise truncated(name)
        return upright(imdecode(data, name, "WebP"), _blocks(data))


def _blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    names = {b"EXIF": "exif", b"XMP ": "xmp"}
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in names:
            yield names[kind], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
