"""Which way up a picture is: the orientation of EXIF, and of XMP where EXIF is silent, as Pillow takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from misread.formats.directory import first_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from misread.formats.base import Levels

EXIF_HEAD: Final = b"Exif\0\0"
ORIENTATION_TAG: Final = 274
_XMP: Final = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_UPRIGHT: Final = 1


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """Return 1 to 8; 1, which is upright, where nothing readable is said.

    Args:
        exif: a block of EXIF, with or without its head.
        xmp: a block of XMP.
    """
    try:
        said = first_directory(exif.removeprefix(EXIF_HEAD)).get(ORIENTATION_TAG)
    except ValueError:
        said = None
    if said is None:
        found = _XMP.search(xmp)
        said = (int(found[1]),) if found else (_UPRIGHT,)
    return said[0] if len(said) == 1 and 1 <= said[0] <= 8 else _UPRIGHT


def upright(picture: Levels, blocks: Iterable[tuple[str, bytes]]) -> Levels:
    """Turn a picture as its `exif` or `xmp` block says."""
    found = dict(blocks)
    return turned(picture, orientation(found.get("exif", b""), found.get("xmp", b"")))


def turned(picture: Levels, way: int) -> Levels:
    """Turn and mirror a picture whose EXIF orientation is `way`, 1 to 8, so that it is upright."""
    if way == _UPRIGHT:
        return picture
    view: Any = picture.swapaxes(0, 1) if way >= 5 else picture
    if way in {3, 4, 7, 8}:
        view = view[::-1]
    if way in {2, 3, 6, 7}:
        view = view[:, ::-1]
    up: Levels = np.ascontiguousarray(view)
    return up
