"""The first page: how to print, check, mount and film, and what to type then."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING, Final

from misread.runtime.sheet.mark import Page, Words
from misread.runtime.sheet.page import scale_bar
from misread.text import printable

if TYPE_CHECKING:
    from misread.runtime.sheet.place import Plan

_COLUMNS: Final = 88
_LONGEST_NAME: Final = 30
_LEFT_MM: Final = 18.0
_LINE_MM: Final = 6.0
_LETTER_MM: Final = 4.0
_STEPS: Final[tuple[tuple[str, str], ...]] = (
    (
        "Print",
        (
            "Print all pages in one run, in colour, at 100 % (no 'fit to page', no 'shrink'), on matt paper: "
            "gloss mirrors the lamps. Leave colour enhancement off. "
            "For a screen, show the PNG pages full screen, night light off."
        ),
    ),
    (
        "Check",
        (
            "Measure the bar below with a ruler. It is 100 mm long; between 99.5 and 100.5 mm is good. If it is not, "
            "the printer scaled the page: print again, since distances would be wrong by as much."
        ),
    ),
    (
        "Mount",
        (
            "Put each sheet flat on stiff card. Do not cut the markers off and keep the white around them. Hang one "
            "sheet at a time, all at the same place, upright. The sheets look alike on purpose; the markers tell "
            "misread which is which, so the order is free and nobody need know it."
        ),
    ),
    (
        "Film",
        (
            "Lock exposure, focus and white balance where the camera can. Begin with all large markers in view, 25 "
            "pixels wide or more. Film at least 20 clips of each sheet, from the distances and angles that you ask "
            "about, the sheets in turn, under the same light."
        ),
    ),
)


def instructions(plan: Plan, *, bundle: str, folder: str, sheets: int) -> Page:
    """Lay out the first page.

    Args:
        plan: Paper and size.
        bundle: Hash of the bundle, 64 hexadecimal digits.
        folder: Its name, for the commands.
        sheets: How many pages follow.

    """
    lines: list[tuple[str, bool]] = [
        (f"{sheets} sheets of {plan.board_mm:g} mm follow, of bundle {bundle[:12]}.", False),
    ]
    for number, (title, text) in enumerate(_STEPS, 1):
        lines += [("", False), (f"{number}. {title}", True), *((line, False) for line in textwrap.wrap(text, _COLUMNS))]
    lines += [("", False), (f"{len(_STEPS) + 1}. Type, with your build for MODEL.onnx", True)]
    lines += [(command, False) for command in _commands(folder)]
    words = [Words(left=_LEFT_MM, base=25, text="misread: print pack", size_mm=6, bold=True)]
    words += [
        Words(left=_LEFT_MM, base=37 + row * _LINE_MM, text=text, size_mm=_LETTER_MM, bold=bold)
        for row, (text, bold) in enumerate(lines)
        if text
    ]
    left, _, length, height = plan.bar
    bar = scale_bar((left, plan.height - 30, length, height))
    return Page(width=plan.width, height=plan.height, marks=(*words, *bar))


def _commands(folder: str) -> tuple[str, ...]:
    quoted = shlex.quote(folder)
    name = quoted if quoted == printable(quoted) and len(quoted) <= _LONGEST_NAME else "BUNDLE"
    return (
        f"misread verify {name} -m MODEL.onnx",
        f"misread camera -m MODEL.onnx --bundle {name} --source device:0 -o filmed",
    )
