"""The witnesses: clean, changed and the difference, with what each build reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.markup import Markup, tag
from misread.report.sections.parts import figure, section

if TYPE_CHECKING:
    from misread.change import Change
    from misread.report.content import ReportContent, WitnessView


def witnesses(content: ReportContent) -> Markup | None:
    """Return the pictures, one row per witness."""
    if not content.witnesses:
        return None
    return section("witnesses", "The change", *(_witness(view) for view in content.witnesses))


def _witness(view: WitnessView) -> Markup:
    note = tag("p", view.note) if view.note else ""
    row = tag("div", *(figure(picture) for picture in view.pictures), class_="pictures")
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
