"""What `misread report` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.report import words
from misread.report.text.table import WIDTH, facts, wrapped

if TYPE_CHECKING:
    from misread.report.results.whole import Reported


def report_text(result: Reported, *, width: int = WIDTH) -> str:
    """Return where the report lies, what it shows and what it warns of.

    Args:
        result: what was written.
        width: of the screen, in columns.
    """
    size = f"{result.bytes / 1e6:.1f} MB, {words.plural(result.results, 'result')}"
    lines = facts([("report", str(result.path)), ("size", size)], width=width)
    lines += ["", *wrapped(result.headline, width=width)]
    lines += [line for warning in result.warnings for line in wrapped(f"warning: {warning}", width=width)]
    return "\n".join(lines) + "\n"
