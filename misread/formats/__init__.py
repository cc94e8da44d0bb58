"""Picture files: one file a format, each with what OpenCV leaves undone there, or reads wrongly and must not be asked.

OpenCV's channel order, BGR, does not leave this package and `misread.pixels`.
"""

from __future__ import annotations

from typing import Final

from misread.formats.base import Format
from misread.formats.bmp import Bmp
from misread.formats.jpeg import Jpeg
from misread.formats.png import Png
from misread.formats.pnm import Pnm
from misread.formats.tiff import Tiff
from misread.formats.webp import WebP

__all__ = ["FORMATS", "SUFFIXES", "Format", "format_of"]

FORMATS: Final[tuple[Format, ...]] = (Png(), Jpeg(), WebP(), Bmp(), Pnm(), Tiff())
SUFFIXES: Final = tuple(suffix for form in FORMATS for suffix in form.suffixes)


def format_of(data: bytes) -> Format | None:
    """Return the format that the first bytes of a file tell, None where it is none of ours."""
    return next((form for form in FORMATS if form.claims(data)), None)
