"""Misreadings by where the sign is seen from, or by how large it is where that is not known."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from misread.runtime.camera.grid import Grid
    from misread.runtime.camera.locate import Target
    from misread.stats import Rate

SIZES_PX: Final = (0, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Lower edges of the size bins; the last is open."""
Key = tuple[Literal["sight", "size"], int, int]
"""(by what, row, column): distance and angle of the grid, or size and 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """The frames of one exhibit, build and crop in one bin.

    Attributes:
        by: `sight` (distance and angle), or `size` in frames where these are not known.
        row: Of the distance or the size, from 0.
        column: Of the angle, from 0; 0 by size.
        text: Where that is: `1-2 m, 15-30 deg` or `32-48 px`.
        misread: Measured frames misread, with the clip-level interval.
        enough: Whether there are as many frames as a bin needs to say anything.

    """

    by: Literal["sight", "size"]
    row: int
    column: int
    text: str
    misread: Rate
    enough: bool


def key_of(target: Target | None, grid: Grid) -> Key | None:
    """Give the bin that a frame falls in; None without a target."""
    if target is None:
        return None
    cell = grid.cell(target.sight)
    return ("sight", *cell) if cell is not None else ("size", bisect_right(SIZES_PX, target.size_px) - 1, 0)


def text_of(key: Key, grid: Grid) -> str:
    """Say where a bin is."""
    by, row, column = key
    if by == "sight":
        return grid.text((row, column))
    above = row + 1 == len(SIZES_PX)
    return f"from {SIZES_PX[row]} px" if above else f"{SIZES_PX[row]}-{SIZES_PX[row + 1]} px"
