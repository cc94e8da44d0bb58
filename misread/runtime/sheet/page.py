"""The page of one exhibit. But for the picture, the markers and the code, all pages of a pack are the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from misread.runtime.board import draw_board
from misread.runtime.sheet.mark import Drawing, Fill, Page, Words
from misread.runtime.sheet.strip import PATCHES, patch_corners
from misread.text import printable, shorten

if TYPE_CHECKING:
    from misread.runtime.board import Exhibit
    from misread.runtime.sheet.mark import Mark
    from misread.runtime.sheet.place import Box, Plan

BLACK: Final = (0, 0, 0)


def code_of(exhibit: Exhibit, bundle: str) -> str:
    """Name a page: bundle, witness and number, but not the arm, which the markers alone say."""
    return f"{bundle[:12]}  {shorten(printable(exhibit.group), 32)}  {exhibit.index:02d}"


def exhibit_page(exhibit: Exhibit, plan: Plan, bundle: str) -> Page:
    """Lay out the page of an exhibit.

    Args:
        exhibit: What hangs on the board.
        plan: Paper and size.
        bundle: Hash of the bundle, 64 hexadecimal digits.

    """
    left, top, *_ = plan.board
    board = Drawing(box=plan.board, draw=partial(draw_board, exhibit))
    code = Words(left=left, base=top - 5, text=code_of(exhibit, bundle))
    return Page(width=plan.width, height=plan.height, marks=(code, board, *strip(plan), *scale_bar(plan.bar)))


def strip(plan: Plan) -> tuple[Mark, ...]:
    """Lay out the grey and colour patches."""
    left, top, side, _ = plan.board
    fills: list[Mark] = []
    for number, colour in enumerate(PATCHES):
        corners = patch_corners(number)
        (x, y), (right, bottom) = corners[0], corners[2]
        box = (left + float(x) * side, top + float(y) * side, float(right - x) * side, float(bottom - y) * side)
        fills.append(Fill(box=box, colour=colour))
    return tuple(fills)


def scale_bar(box: Box) -> tuple[Mark, ...]:
    """Lay out the bar that tells whether the printer scaled the page."""
    left, top, length, height = box
    words = Words(left=left, base=top + height + 5, text="This bar is 100 mm long in print, from end to end.")
    return Fill(box=(left, top, length, height), colour=BLACK), words
