"""Lay captioned pictures out in rows and columns, as the documentation shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INK: Final = (24, 28, 32)
PALE: Final = (92, 98, 104)
GAP_PX: Final = 12
TITLE_PX: Final = 19
NOTE_PX: Final = 16
HEADING_PX: Final = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A picture and what stands below it.

    Attributes:
        image: (h, w, 3) uint8 RGB; all of a sheet have one size.
        title: One line.
        notes: Lines below it, smaller.
    """

    image: NDArray[np.uint8]
    title: str
    notes: tuple[str, ...] = ()


def contact_sheet(groups: Sequence[tuple[str, Sequence[Tile]]], columns: int) -> NDArray[np.uint8]:
    """Lay out groups of tiles, each below its heading unless that is empty, on white; (h, w, 3) uint8 RGB."""
    rows = [_group(heading, tiles, columns) for heading, tiles in groups]
    sheet = np.concatenate(rows)
    return np.pad(sheet, ((GAP_PX, 0), (GAP_PX, 0), (0, 0)), constant_values=255)


def enlarged(image: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Make each pixel a square, so that it can be seen."""
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _group(heading: str, tiles: Sequence[Tile], columns: int) -> NDArray[np.uint8]:
    height, width = tiles[0].image.shape[:2]
    foot = 4 + TITLE_PX + 6 + max(len(tile.notes) for tile in tiles) * (NOTE_PX + 4) + GAP_PX
    top = HEADING_PX + GAP_PX if heading else 0
    size = (columns * (width + GAP_PX), top + -(-len(tiles) // columns) * (height + foot))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    if heading:
        draw.text((0, 0), heading, INK, ImageFont.load_default(HEADING_PX))
    for number, tile in enumerate(tiles):
        left, upper = number % columns * (width + GAP_PX), top + number // columns * (height + foot)
        canvas.paste(Image.fromarray(tile.image), (left, upper))
        line = upper + height + 4
        draw.text((left, line), tile.title, INK, ImageFont.load_default(TITLE_PX))
        for count, note in enumerate(tile.notes):
            place = (left, line + TITLE_PX + 6 + count * (NOTE_PX + 4))
            draw.text(place, note, PALE, ImageFont.load_default(NOTE_PX))
    return np.asarray(canvas, np.uint8)
