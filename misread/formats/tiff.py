"""TIFF: grey, palette, RGB, RGBA and CMYK in 8 bits, grey and RGB in 16 too; the first page.

OpenCV turns it as its orientation says. What it reads wrongly is refused: grey with alpha, other bit depths, Lab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import numpy as np

from misread.formats.base import damaged, imdecode, truncated, unread
from misread.formats.directory import first_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.formats.base import Levels

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES, _TILES, _EXTRA, _FORMAT = 258, 259, 262, 277, 284, 322, 338, 339
_PARTS: Final = ((273, 279), (324, 325))  # strips, tiles: offsets, bytes
_HEADS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG: Final = 7
_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_UNKNOWN, _PREMULTIPLIED, _STRAIGHT = 0, 1, 2
#: Photometric interpretation, samples, bits: what is read as Pillow reads it.
_READ: Final = frozenset(
    {(_WHITE_IS_ZERO, 1, bits) for bits in (1, 8)}
    | {(_GREY, 1, bits) for bits in (1, 8, 16)}
    | {(_RGB, samples, bits) for samples in (3, 4) for bits in (8, 16)}
    | {(_PALETTE, 1, bits) for bits in (4, 8)}
    | {(_CMYK, 4, 8)}
)


@final
class Tiff:
    """Classic and BigTIFF, in either byte order."""

    suffixes = (".tif", ".tiff")

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""
        return data.startswith(_HEADS)

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the upright first page.

        Raises:
            FileError: truncated, damaged, too large, or of a kind that OpenCV does not read truly.
        """
        try:
            tags = first_directory(data)
        except ValueError as error:
            raise damaged(name, "TIFF") from error
        if any(start + length > len(data) for start, length in _parts(tags)):
            raise truncated(name)
        bits, extra = _check(tags, name)
        picture = imdecode(data, name, "TIFF")
        if picture.ndim < 3 or picture.shape[2] < 4 or _one(tags, _PHOTOMETRIC, _GREY) != _RGB:
            return picture
        if extra == _UNKNOWN:
            return picture[..., :3]
        return _over_white(picture) if extra == _PREMULTIPLIED or bits == 8 else picture


def _parts(tags: dict[int, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Yield where each strip or tile begins, and its length."""
    for starts, lengths in _PARTS:
        yield from zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False)


def _check(tags: dict[int, tuple[int, ...]], name: str) -> tuple[int, int]:
    """Return the bits of a sample and the kind of the fourth; refuse what is not read truly."""
    photometric, samples = _one(tags, _PHOTOMETRIC, _GREY), _one(tags, _SAMPLES, 1)
    depths, formats = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (1,)))
    extra = _one(tags, _EXTRA, _UNKNOWN)
    kind = (photometric, samples, max(depths))
    packed = photometric == _YCBCR and _one(tags, _COMPRESSION, 1) == _JPEG and depths == {8} and samples == 3
    if formats != {1}:
        raise unread(name, "TIFF", "numbers that have a sign or a fraction")
    if max(depths) < 16 and _TILES in tags:
        raise unread(name, "TIFF", "tiles of less than 16 bits")
    if max(depths) == 16 and samples > 1 and _one(tags, _PLANES, 1) != 1:
        raise unread(name, "TIFF", "16 bits in planes")
    if not (kind in _READ or packed) or len(depths) > 1 or not _UNKNOWN <= extra <= _STRAIGHT:
        sort = f"photometric interpretation {photometric}, {samples} samples of {max(depths)} bits"
        raise unread(name, "TIFF", sort)
    return max(depths), extra


def _one(tags: dict[int, tuple[int, ...]], tag: int, default: int) -> int:
    return (tags.get(tag) or (default,))[0]


def _over_white(premultiplied: Levels) -> Levels:
    """Lay (h, w, 4) colours that are multiplied by their alpha over white: libtiff multiplies those of 8 bits."""
    full = int(np.iinfo(premultiplied.dtype).max)
    over = premultiplied[..., :3].astype(np.uint32) + (full - premultiplied[..., 3:].astype(np.uint32))
    made: Levels = np.minimum(over, full).astype(premultiplied.dtype)
    return made
