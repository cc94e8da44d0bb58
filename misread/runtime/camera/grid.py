"""Distance times angle: the cells in which a misreading is counted."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.flags import parse_numbers

if TYPE_CHECKING:
    from misread.runtime.camera.locate.sight import Sight

Cell = tuple[int, int]
"""(distance bin, angle bin), each from 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Edges of the bins; a bin holds its lower edge.

    Attributes:
        distances_m: Rising, at least two.
        angles_deg: Rising, at least two, of the unsigned angle to the target's normal.

    """

    distances_m: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 5.0)
    angles_deg: tuple[float, ...] = (0.0, 15.0, 30.0, 45.0, 60.0)

    def __post_init__(self) -> None:
        """Refuse edges that hold no bin."""
        for name, edges in (("distances_m", self.distances_m), ("angles_deg", self.angles_deg)):
            rising = all(low < high for low, high in pairwise(edges))
            if len(edges) < 2 or not rising or not all(isfinite(edge) and edge >= 0 for edge in edges):
                raise OptionError(f"{name} are at least two rising edges from 0, e.g. 0,1,2,4, got {edges}")

    def cell(self, sight: Sight | None) -> Cell | None:
        """Give the cell of a sight; None outside of the grid, or where distance or angle is unknown."""
        if sight is None or sight.distance_m is None:
            return None
        row = bisect_right(self.distances_m, sight.distance_m) - 1
        column = bisect_right(self.angles_deg, sight.angle_deg) - 1
        inside = 0 <= row < len(self.distances_m) - 1 and 0 <= column < len(self.angles_deg) - 1
        return (row, column) if inside else None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, the near ones first."""
        rows, columns = len(self.distances_m) - 1, len(self.angles_deg) - 1
        return tuple((row, column) for row in range(rows) for column in range(columns))

    def ranges(self, cell: Cell) -> tuple[tuple[float, float], tuple[float, float]]:
        """Give (from, to) in metres and in degrees."""
        row, column = cell
        distances, angles = self.distances_m, self.angles_deg
        return (distances[row], distances[row + 1]), (angles[column], angles[column + 1])

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Say what the rows and the columns are: `1-2 m` and `15-30 deg`."""
        distances = tuple(f"{near:g}-{far:g} m" for near, far in pairwise(self.distances_m))
        return distances, tuple(f"{low:g}-{high:g} deg" for low, high in pairwise(self.angles_deg))

    def text(self, cell: Cell) -> str:
        """Say where a cell is: `1-2 m, 15-30 deg`."""
        distances, angles = self.names
        return f"{distances[cell[0]]}, {angles[cell[1]]}"


def read_grid(distances: str | None, angles: str | None, otherwise: Grid) -> Grid:
    """Read edges as they are typed: `1,2,3` in metres and `0,30,60` in degrees; what is None is taken over.

    Raises:
        OptionError: These are no rising numbers.

    """
    return Grid(
        distances_m=parse_numbers(distances) if distances is not None else otherwise.distances_m,
        angles_deg=parse_numbers(angles) if angles is not None else otherwise.angles_deg,
    )
