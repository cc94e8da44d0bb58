"""The first directory of a TIFF file, which is what a block of EXIF is as well."""

from __future__ import annotations

import struct
from typing import Final

_BIG: Final = 43
_CLASSIC: Final = 42
#: Types of whole numbers: byte, short, long, and the long of BigTIFF.
_WHOLE: Final = ((1, "B"), (3, "H"), (4, "I"), (16, "Q"))
_MAX_ENTRIES: Final = 1024
_MAX_VALUES: Final = 2**16


def first_directory(data: bytes) -> dict[int, tuple[int, ...]]:
    """Return the tags that hold whole numbers, each with its values; of long lists only the first 2^16.

    Raises:
        ValueError: it is no TIFF, or ends too early.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError("no byte order")
    try:
        return _directory(data, order)
    except struct.error as error:
        raise ValueError("a directory that reaches beyond the end") from error


def _directory(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in {_BIG, _CLASSIC}:
        raise ValueError(f"version {version}")
    count_at, count_form, entry, inline = (8, "Q", "HHQ", 8) if version == _BIG else (4, "H", "HHI", 4)
    (at,) = struct.unpack_from(order + ("Q" if version == _BIG else "I"), data, count_at)
    (count,) = struct.unpack_from(order + count_form, data, at)
    if count > _MAX_ENTRIES:
        raise ValueError(f"{count} entries")
    at += struct.calcsize(order + count_form)
    found = {}
    for _ in range(count):
        tag, kind, values = struct.unpack_from(order + entry, data, at)
        place = at + struct.calcsize(order + entry)
        at = place + inline
        form = dict(_WHOLE).get(kind)
        if form is None:
            continue
        if values * struct.calcsize(form) > inline:
            (place,) = struct.unpack_from(order + ("Q" if version == _BIG else "I"), data, place)
        found[tag] = struct.unpack_from(f"{order}{min(values, _MAX_VALUES)}{form}", data, place)
    return found
