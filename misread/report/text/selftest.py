"""What `misread selftest` prints."""

from __future__ import annotations

from typing import Any

from misread.report.text.table import WIDTH, table


def selftest_text(result: Any, *, width: int = WIDTH) -> str:
    """Return the checks as one table, and the sentence.

    Args:
        result: a `misread.attack.selftest.check.SelfTest`; its module needs torch, this one does not.
        width: of the screen, in columns.
    """
    rows = [("ok" if check.passed else "FAILED", check.name, check.got) for check in result.checks]
    lines = table(("", "check", "got"), rows, width=width, gives=2)
    wrong = [f"{check.name}: expected {check.expected}; got {check.got}" for check in result.checks if not check.passed]
    return "\n".join([*lines, "", *wrong, f"{result.sentence} in {result.seconds:.1f} s"]) + "\n"
