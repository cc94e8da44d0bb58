"""What a picture file says of itself before anything is decoded: its kind, its sides, what decoding it would cost."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Compressed texts in one PNG: libpng unpacks each, to 8 MB, whether anybody asks for it or not.
MAX_PNG_TEXTS: Final = 16
#: Passes over one JPEG: each costs as much as the whole picture, and may be a few bytes.
MAX_JPEG_SCANS: Final = 64
_SEGMENT_ENDS: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_NUMBER: Final = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d{1,9})")
_TIFF_SIDES: Final = {256: 1, 257: 0}
_TIFF_TILES: Final = {322: 1, 323: 0}
_TIFF_FORMATS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_TIFF_ENTRIES: Final = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a picture file declares.

    Attributes:
        kind: as in `PNG`.
        size_hw: height and width in pixels; of TIFF, of a tile where that is larger.
        fault: what makes it unfit to be decoded, empty for nothing.
    """

    kind: str
    size_hw: tuple[int, int]
    fault: str = ""


def read_header(data: bytes) -> Header | None:
    """Read the header of a PNG, JPEG, WebP, BMP, PNM or TIFF file; None where it is none, or broken there."""
    try:
        return next((read(data) for fits, read in _KINDS if fits(data)), None)
    except (struct.error, IndexError, OverflowError):
        return None


def _png(data: bytes) -> Header | None:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    if kind != b"IHDR" or length != 13:
        return None
    texts = sum(kind in {b"zTXt", b"iTXt"} for kind in _png_chunks(data))
    fault = f"it holds {texts} compressed texts, of which at most {MAX_PNG_TEXTS} are read"
    return Header(kind="PNG", size_hw=(height, width), fault=fault if texts > MAX_PNG_TEXTS else "")


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind
        at += 12 + length


def _jpeg(data: bytes) -> Header | None:
    """Walk the segments: a thumbnail inside one has markers of its own, which do not count."""
    at, scans, height, width = 2, 0, 0, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            break
        if marker in _FRAMES:
            sides = struct.unpack_from(">HH", data, at + 5)
            height, width = max(height, sides[0]), max(width, sides[1])
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xDA:
            scans += 1
            end = _SEGMENT_ENDS.search(data, at)
            at = end.start() if end else len(data)
    fault = f"it is drawn in {scans} passes, of which at most {MAX_JPEG_SCANS} are read"
    if not height * width:
        return None
    return Header(kind="JPEG", size_hw=(height, width), fault=fault if scans > MAX_JPEG_SCANS else "")


def _webp(data: bytes) -> Header | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        return None
    return Header(kind="WebP", size_hw=(height, width))


def _bmp(data: bytes) -> Header:
    (length,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    return Header(kind="BMP", size_hw=(abs(height), abs(width)))


def _pnm(data: bytes) -> Header | None:
    at, sides = 2, list[int]()
    while len(sides) < 2:
        found = _NUMBER.match(data, at, at + 4096)
        if found is None:
            return None
        sides.append(int(found[1]))
        at = found.end()
    return Header(kind="PNM", size_hw=(sides[1], sides[0]))


def _tiff(data: bytes) -> Header | None:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    count_as, entry_as, length = ("Q", "HHQ", 20) if big else ("H", "HHI", 12)
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_as, data, at)
    start, whole, tile = at + struct.calcsize(order + count_as), [0, 0], [0, 0]
    for entry in range(min(count, _MAX_TIFF_ENTRIES)):
        place = start + entry * length
        tag, kind, _ = struct.unpack_from(order + entry_as, data, place)
        for places, sides in ((_TIFF_SIDES, whole), (_TIFF_TILES, tile)):
            if tag in places and kind in _TIFF_FORMATS:
                value_at = place + struct.calcsize(order + entry_as)
                (sides[places[tag]],) = struct.unpack_from(order + _TIFF_FORMATS[kind], data, value_at)
    if 0 in whole:
        return None
    return Header(kind="TIFF", size_hw=(max(whole[0], tile[0]), max(whole[1], tile[1])))


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


_KINDS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Header | None]], ...]] = (
    (_starts(b"\x89PNG\r\n\x1a\n"), _png),
    (_starts(b"\xff\xd8\xff"), _jpeg),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
    (_starts(b"BM"), _bmp),
    (_starts(*(b"P%d" % number for number in range(1, 7))), _pnm),
    (_starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
)
