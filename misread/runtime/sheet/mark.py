"""What a page is made of, whoever paints it: filled boxes, pictures and lines of text, in millimetres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.sheet.place import Box
    from misread.runtime.sheet.strip import Colour


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """A box of one colour."""

    box: Box
    colour: Colour


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A picture drawn at the resolution of who paints it: `draw(width_px)` gives (h, width_px, 3) uint8 RGB."""

    box: Box
    draw: Callable[[int], UInt8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A line of text: where its baseline starts, and the size of its letters."""

    left: float
    base: float
    text: str
    size_mm: float = 3.2
    bold: bool = False


Mark = Fill | Drawing | Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page: its size in millimetres, and what is on it, the lowest first."""

    width: float
    height: float
    marks: tuple[Mark, ...]
