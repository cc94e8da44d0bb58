"""The chart for the lens: a chessboard with markers in its white squares (ChArUco), as OpenCV reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from misread.runtime.sheet.mark import Drawing, Page, Words
from misread.runtime.sheet.page import scale_bar
from misread.runtime.sheet.place import BAR_MM, Plan

if TYPE_CHECKING:
    from misread.pixels import UInt8

_TOP_MM: Final = 18.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A ChArUco chart; its markers are of none of the boards' dictionaries.

    Attributes:
        columns: Squares across.
        rows: Squares down.
        square_mm: Side of a square. The lens comes out the same at any scale.
        marker_share: Side of a marker, as a share of the square's.

    """

    columns: int = 7
    rows: int = 9
    square_mm: float = 25.0
    marker_share: float = 0.75

    def board(self) -> Any:
        """Give OpenCV's board, in millimetres."""
        dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_50)
        size = (self.columns, self.rows)
        return cv2.aruco.CharucoBoard(size, self.square_mm, self.square_mm * self.marker_share, dictionary)

    def draw(self, width_px: int) -> UInt8:
        """Draw the squares as (h, width_px, 3) uint8 RGB."""
        height_px = round(width_px * self.rows / self.columns)
        grey = self.board().generateImage((width_px, height_px), marginSize=0, borderBits=1)
        return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)

    def page(self, paper: str) -> Page:
        """Lay the chart out on paper.

        Raises:
            UnknownName: Nobody sells such paper.

        """
        plan = Plan(paper=paper)
        width, height = self.columns * self.square_mm, self.rows * self.square_mm
        left = (plan.width - width) / 2
        title = f"misread: lens chart {self.columns} x {self.rows}, squares of {self.square_mm:g} mm. Keep it flat."
        bar = scale_bar(((plan.width - BAR_MM) / 2, _TOP_MM + height + 10, BAR_MM, 2.0))
        squares = Drawing(box=(left, _TOP_MM, width, height), draw=self.draw)
        words = Words(left=left, base=_TOP_MM - 6, text=title)
        return Page(width=plan.width, height=plan.height, marks=(words, squares, *bar))


CHART: Final = Chart()
