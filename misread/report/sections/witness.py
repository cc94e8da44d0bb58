"""The witnesses: clean, changed and the difference, with what each build reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report import words
from misread.report.markup import Markup, tag
from misread.report.sections.parts import figure, section

if TYPE_CHECKING:
    from misread.change import Change
    from misread.report.content import ReportContent, WitnessView

#: Witnesses that stand open; the others unfold.
OPEN: Final = 3


def witnesses(content: ReportContent) -> Markup | None:
    """Return the pictures, one row per witness."""
    if not content.witnesses:
        return None
    drawn = [_witness(view, lazy=at >= OPEN) for at, view in enumerate(content.witnesses)]
    more = len(drawn) - OPEN
    folded = tag("details", tag("summary", f"{more} more"), *drawn[OPEN:]) if more > 0 else ""
    return section("witnesses", "The change", *drawn[:OPEN], folded)


def _witness(view: WitnessView, *, lazy: bool) -> Markup:
    note = tag("p", view.note) if view.note else ""
    row = tag("div", *(figure(picture, lazy=lazy) for picture in view.pictures), class_="pictures")
    return tag("article", tag("h3", view.name), note, row, _size(view.change))


def _size(change: Change) -> Markup:
    level = "level" if change.largest_level == 1 else "levels"
    cells = (
        ("Values changed", f"{words.count(change.values_changed)} of {words.count(change.values_total)}"),
        ("Largest change of a value", f"{change.largest_level} of 255 {level}"),
        ("L2 norm, pixels in [0, 1]", f"{change.l2:.3f}"),
        ("Linf norm, pixels in [0, 1]", f"{change.linf:.4f}"),
        ("Structural similarity (SSIM)", change.similarity),
    )
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in cells), class_="size")
