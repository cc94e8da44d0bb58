"""What `misread sheet` wrote, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.text import printable

if TYPE_CHECKING:
    from misread.runtime.sheet import SheetResult


def sheet_text(result: SheetResult) -> str:
    """Say what was written and what comes next."""
    lines = [f"wrote {printable(str(place))}: instructions and {result.sheets} sheets" for place in result.written]
    return "\n".join([*lines, "print at 100 %, measure the bar of 100 mm, then go on as the first page says"])
