"""One row per witness and build: CSV for a spreadsheet, JSON lines for a program."""

from __future__ import annotations

import csv as writer
import io
import json
from typing import TYPE_CHECKING, Any, Final

from misread.report.json import document, plain
from misread.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.report.outputs.base import Run
    from misread.runtime.verdict import BuildVerdict, Judgement, Look, Verification

#: The columns of the table; a new one comes last.
COLUMNS: Final = (
    "build",
    "sha256",
    "witness",
    "label",
    "goal",
    "verdict",
    "misread",
    "clean_label",
    "clean_confidence",
    "clean_margin",
    "clean_goal_margin",
    "changed_label",
    "changed_confidence",
    "changed_margin",
    "changed_goal_margin",
    "placebo_label",
    "placebo_confidence",
    "placebo_margin",
    "placebo_goal_margin",
    "lost_at",
    "reason",
)
#: What a spreadsheet takes for the beginning of a formula; the wide forms too, as some locales do.
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20|%")


def csv(verification: Verification, _: Run) -> str:
    """Return a table with a head, comma-separated, quoted where needed, each row ended by one new line."""
    out = io.StringIO()
    table = writer.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for build, one, lost_at in _each(verification):
        looks = [value for look in (one.clean, one.changed, one.placebo) for value in _look(look)]
        row = (build.name, build.sha256, one.witness, one.label, one.goal.text, str(one.verdict), one.misread)
        table.writerow(_cell(value) for value in (*row, *looks, lost_at, one.reason))
    return out.getvalue()


def jsonl(verification: Verification, _: Run) -> str:
    """Return one JSON document a line, in ASCII: a judgement, the build it is of, and the rung that lost it."""
    lines = (
        {"build": build.name, "sha256": build.sha256, **plain(one), "lost_at": lost_at or None}
        for build, one, lost_at in _each(verification)
    )
    return "".join(json.dumps(document("misread-judgement", line), allow_nan=False) + "\n" for line in lines)


def _each(verification: Verification) -> Iterator[tuple[BuildVerdict, Judgement, str]]:
    lost = {(step.reader, witness): step.rung for step in verification.ladder for witness in step.killed}
    for build in verification.builds:
        for one in build.judgements:
            yield build, one, lost.get((build.name, one.witness), lost.get(("torch", one.witness), ""))


def _look(look: Look | None) -> tuple[Any, ...]:
    return (look.label, look.confidence, look.margin, look.goal_margin) if look else (None,) * 4


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return guarded(value)
    return "" if value is None else repr(value)


def guarded(text: str) -> str:
    """Return foreign text on one line, with an apostrophe before what a spreadsheet would run as a formula."""
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
