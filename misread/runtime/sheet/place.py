"""Where things are on a page, in millimetres from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from operator import itemgetter
from typing import Final

from misread.errors import OptionError
from misread.registry import by_name
from misread.runtime.sheet.strip import HEIGHT, TOP

Box = tuple[float, float, float, float]
"""(left, top, width, height)."""
PAPERS: Final[tuple[tuple[str, float, float], ...]] = (
    ("a4", 210.0, 297.0),
    ("letter", 215.9, 279.4),
    ("a3", 297.0, 420.0),
)
DEFAULT_BOARD_MM: Final = 180.0  # fits A4 and Letter
MIN_BOARD_MM: Final = 60.0
BAR_MM: Final = 100.0
BORDER_MM: Final = 10.0  # printers leave less than this white
_HEAD_MM: Final = 18.0
_FOOT_MM: Final = 26.0  # the scale bar, its words, and the border


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One page with a board.

    Attributes:
        paper: a4, letter or a3.
        board_mm: Side of the board.

    """

    paper: str = "a4"
    board_mm: float = DEFAULT_BOARD_MM

    def __post_init__(self) -> None:
        """Refuse paper nobody sells and boards that do not fit it."""
        most = min(self.width - 2 * BORDER_MM, (self.height - _HEAD_MM - _FOOT_MM) / (TOP + HEIGHT))
        if not (isfinite(self.board_mm) and MIN_BOARD_MM <= self.board_mm <= most):
            message = f"a board on {self.paper} has {MIN_BOARD_MM:g} to {int(most)} mm a side, got {self.board_mm:g}"
            raise OptionError(f"{message}; choose with --board-mm, or larger paper with --paper")

    @property
    def width(self) -> float:
        """Of the paper."""
        return self._paper[0]

    @property
    def height(self) -> float:
        """Of the paper."""
        return self._paper[1]

    @property
    def board(self) -> Box:
        """The board, across the middle."""
        return (self.width - self.board_mm) / 2, _HEAD_MM, self.board_mm, self.board_mm

    @property
    def bar(self) -> Box:
        """The scale bar, 100 mm from end to end."""
        return (self.width - BAR_MM) / 2, _HEAD_MM + self.board_mm * (TOP + HEIGHT) + 5, BAR_MM, 2.0

    @property
    def _paper(self) -> tuple[float, float]:
        _, width, height = by_name("paper", PAPERS, self.paper, key=itemgetter(0))
        return width, height
