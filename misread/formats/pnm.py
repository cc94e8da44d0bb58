"""PPM, PGM and PBM: binary with any maximum; as text with 255 or 65535. OpenCV does not scale by the maximum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from misread.formats.base import imdecode, truncated, unread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.formats.base import Levels

_BITMAPS: Final = b"14"
_BINARY: Final = b"56"
_GAP: Final = rb"(?:\s|#[^\n]*\n)+"
_SIZE: Final = re.compile(rb"P[1-6]" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})")
_MAXIMUM: Final = re.compile(_GAP + rb"(\d{1,9})\s")


@final
class Pnm:
    """Three lines of text, then numbers."""

    suffixes = (".ppm", ".pgm")

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return re.match(rb"P[1-6][\s#]", data) is not None

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the picture, scaled to the full range of its type.

        Raises:
            FileError: truncated, damaged, too large, or text with another maximum.
        """
        size = _SIZE.match(data)
        maximum = _MAXIMUM.match(data, size.end()) if size else None
        kind = data[1]
        if not size or (kind not in _BITMAPS and not maximum):
            raise truncated(name)
        if kind in _BITMAPS or not maximum:
            return imdecode(data, name, "PBM")
        full = int(maximum[1])
        if kind in _BINARY:
            channels = 3 if kind == _BINARY[1] else 1
            whole = maximum.end() + int(size[1]) * int(size[2]) * channels * (1 if full < 256 else 2)
            if whole > len(data):
                raise truncated(name)
            data = _with_plain_line(data, maximum.end(), whole)
        elif full not in {255, 65535}:
            raise unread(name, "PNM", f"text and a maximum of {full}")
        picture = imdecode(data, name, "PNM")
        if full in {255, 65535}:
            return picture
        if not 1 <= full <= 65535:
            raise unread(name, "PNM", f"a maximum of {full}")
        top = 255 if full < 256 else 65535
        scaled: NDArray[Any] = np.minimum(np.rint(picture / full * top), top).astype(picture.dtype)
        return scaled


def _with_plain_line(data: bytes, start: int, whole: int) -> bytes:
    """Make the header end in one character where Windows wrote two: the first pixel would be taken for it.

    A file that is one byte longer than its header says, and goes on with a line feed after a carriage return, is such.
    """
    windows = data[start - 1 : start + 1] == b"\r\n" and len(data) == whole + 1
    return data[: start - 1] + data[start:] if windows else data
