"""Plain text in columns: no colour, no terminal tricks, the same on a screen and in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from misread.text import columns, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from misread.stats import Rate

WIDTH: Final = 80
_GAP: Final = "  "
_MIN_SHRUNK: Final = 8
_NOTHING: Final[tuple[object, ...]] = (None, "", [], (), {})


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    width: int = WIDTH,
    indent: int = 2,
    gives: int = 0,
) -> list[str]:
    """Return a table as lines; one column gives way where they do not fit, the widest others after it.

    Args:
        head: one word per column; all empty leaves the line out.
        rows: one text per column each; foreign text is made printable here.
        right: columns aligned to the right.
        width: of the screen, in columns.
        indent: spaces before each line.
        gives: the column that is shortened first.
    """
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(columns(row[at]) for row in cells) for at in range(len(head))]
    room = width - indent - len(_GAP) * (len(widths) - 1)
    for at in sorted(range(len(widths)), key=lambda at: (at != gives, -widths[at])):
        widths[at] = max(min(widths[at], _MIN_SHRUNK), widths[at] - max(0, sum(widths) - room))
    lines = [_line(row, widths, right, indent) for row in cells]
    return lines if any(cells[0]) else lines[1:]


def facts(pairs: Sequence[tuple[str, str]], *, width: int = WIDTH) -> list[str]:
    """Return `name  value` lines, values wrapped beside their names; pairs without a value are left out."""
    shown = [(shorten(printable(name), width // 3), value) for name, value in pairs if value]
    reach = max((columns(name) for name, _ in shown), default=0) + len(_GAP)
    return [
        line
        for name, value in shown
        for line in wrapped(value, first=name + " " * (reach - columns(name)), width=width)
    ]


def wrapped(text: str, *, first: str = "", width: int = WIDTH) -> list[str]:
    """Return text broken at spaces, its further lines indented to stand below the end of `first`."""
    return textwrap.wrap(
        printable(text),
        width=max(width, columns(first) + _MIN_SHRUNK),
        initial_indent=first,
        subsequent_indent=" " * columns(first),
        break_on_hyphens=False,
    ) or [first.rstrip()]


def bar(share: float | None, width: int = 16) -> str:
    """Return a bar for a share between 0 and 1: full and empty are drawn of exactly all and none only."""
    if share is None:
        return " " * width
    full = round(share * width)
    if share > 0:
        full = max(full, 1)
    if share < 1:
        full = min(full, width - 1)
    return "█" * full + "░" * (width - full)


def percent(share: float | None) -> str:
    """Return a share as per cent with one decimal; 100 and 0 are said of exactly all and none only."""
    if share is None:
        return "-"
    shown = f"{100 * share:.1f}"
    if shown == "100.0" and share < 1:
        return ">99.9 %"
    if shown == "0.0" and share > 0:
        return "<0.1 %"
    return f"{shown} %"


def said(values: Mapping[str, Any]) -> str:
    """Return `name value, name value`, leaving out what has no value."""
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items() if value not in _NOTHING)


def counts(rate: Rate) -> str:
    """Return `9/10`."""
    return f"{rate.hits}/{rate.total}"


def interval(rate: Rate) -> str:
    """Return the 95 % interval in per cent, as `59.6-98.2`, or a dash."""
    return "-" if rate.low is None or rate.high is None else f"{100 * rate.low:.1f}-{100 * rate.high:.1f}"


def _line(row: Sequence[str], widths: Sequence[int], right: Collection[int], indent: int) -> str:
    cells = []
    for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
        text = shorten(cell, width)
        room = " " * (width - columns(text))
        cells.append(room + text if at in right else text + room)
    return (" " * indent + _GAP.join(cells)).rstrip()


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({said(value)})"
    if isinstance(value, list | tuple):
        return " ".join(_value(entry) for entry in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
