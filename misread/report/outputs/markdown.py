"""A summary for the page of a CI job, in the Markdown of GitHub and GitLab."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from misread import __version__
from misread.report.text.table import counts, interval, percent
from misread.report.words import plural
from misread.runtime.paired import pairs_of
from misread.runtime.verdict import Verdict
from misread.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.report.outputs.base import Run
    from misread.runtime.verdict import BuildVerdict, GateResult, Step, Verification

#: A job page takes a megabyte, and a name may be one.
LONGEST_NAME: Final = 120
LONGEST_SENTENCE: Final = 2000
MOST_CONFUSIONS: Final = 10
#: What may begin markup of Markdown or HTML, a cell, a formula, a link, or a smiley. What means something only at the
#: beginning of a line stays: a line never begins with foreign text.
_ACTIVE: Final = re.compile(r"[!#$&*<>\[\\\]^_`{|}~]|:(?=\S)|www\.", re.IGNORECASE)


def markdown(verification: Verification, run: Run) -> str:
    """Return a verification as a page: what happened, the builds, the gates, the worst confusions, the ladder."""
    mark = "✅" if verification.passed else "❌"
    blocks = [
        [f"### {mark} misread verify: {_verdict(verification)}"],
        [escaped(verification.sentence, LONGEST_SENTENCE)],
        _builds(verification.builds),
        _gates(verification.gates),
        _pairs(verification.builds),
        _confusions(verification.builds),
        _ladder(verification.ladder),
        [_foot(verification, run)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def escaped(text: str, most: int = LONGEST_NAME) -> str:
    """Return foreign text as one line of plain words: nothing in it is markup, a link, or calls a person."""
    shown = shorten(printable(text), most)
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0][-1])};".join((found[0][:-1], "")), shown).replace(
        "@", "@<!-- -->"
    )


def _verdict(verification: Verification) -> str:
    if verification.passed:
        return "passed"
    return "failed" if any(build.available for build in verification.builds) else "no build could run"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> list[str]:
    """Return a table whose first columns are text and whose others are figures, aligned to the right."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _builds(builds: Sequence[BuildVerdict]) -> list[str]:
    ran = [
        (
            escaped(build.name),
            counts(build.clean),
            counts(build.verified),
            interval(build.verified),
            counts(build.robust),
            *(str(build.count(verdict)) for verdict in (Verdict.REFUTED, Verdict.CONTESTED, Verdict.EXCLUDED)),
        )
        for build in builds
        if build.available
    ]
    head = ("build", "clean", "verified", "95 % CI", "not misread", "refuted", "contested", "excluded")
    lost = [f"- Could not run: {escaped(one.name)}: {escaped(one.reason, 300)}" for one in builds if not one.available]
    return [*(_table(head, ran) if ran else ()), *(("",) if ran and lost else ()), *lost]


def _gates(gates: Sequence[GateResult]) -> list[str]:
    rows = [("open" if gate.passed else "**closed**", f"--{gate.gate}", escaped(gate.sentence, 300)) for gate in gates]
    return _table(("gate", "option", "measured"), rows, texts=3) if rows else []


def _pairs(builds: Sequence[BuildVerdict]) -> list[str]:
    rows = [
        (
            escaped(one.first),
            escaped(one.second),
            *(str(number) for number in (one.witnesses, one.both, len(one.first_only), len(one.second_only))),
            f"{one.p_value:.2g}",
        )
        for one in pairs_of(builds)
    ]
    head = ("build", "against", "witnesses", "misread on both", "first only", "second only", "McNemar p")
    return _table(head, rows, texts=2) if rows else []


def _confusions(builds: Sequence[BuildVerdict]) -> list[str]:
    """List what is taken for what, the one with the most witnesses first, then the most confident."""
    found: dict[tuple[str, str], list[tuple[str, str, float]]] = defaultdict(list)
    for build in builds:
        for one in build.judgements:
            if one.misread and one.verdict.counts and one.changed:
                found[one.label, one.changed.label].append((one.witness, build.name, one.changed.confidence))
    rows = [
        (-len({witness for witness, _, _ in seen}), -max(sure for _, _, sure in seen), labels, seen)
        for labels, seen in found.items()
    ]
    written = [
        (
            *(escaped(label) for label in labels),
            ", ".join(escaped(name) for name in dict.fromkeys(name for _, name, _ in seen)),
            str(-witnesses),
            percent(-sure),
        )
        for witnesses, sure, labels, seen in sorted(rows)[:MOST_CONFUSIONS]
    ]
    head = ("picture of", "read as", "on", "witnesses", "highest confidence")
    more = len(rows) - MOST_CONFUSIONS
    tail = ("", f"… and {plural(more, 'confusion')} more.") if more > 0 else ()
    return [*_table(head, written, texts=3), *tail] if written else []


def _ladder(steps: Sequence[Step]) -> list[str]:
    """Show which share survives each rung, the readers side by side."""
    readers = list(dict.fromkeys(step.reader for step in steps))
    survived = {(step.rung, step.reader): f"{counts(step.survived)} ({percent(step.survived.share)})" for step in steps}
    rows = [
        (title, *(survived.get((rung, reader), "") for reader in readers))
        for rung, title in dict.fromkeys((step.rung, step.title) for step in steps)
    ]
    if not rows:
        return []
    table = _table(("still misread behind", *(escaped(reader) for reader in readers)), rows)
    return ["<details><summary>Ladder: what survives which change</summary>", "", *table, "", "</details>"]


def _foot(verification: Verification, run: Run) -> str:
    bundle = f"Bundle {escaped(str(verification.bundle))} ({plural(verification.witnesses, 'witness', 'witnesses')}"
    digest = f", sha256 {verification.bundle_sha256[:12]}" if verification.bundle_sha256 else ""
    made = f", made on {escaped(verification.origin)}" if verification.origin else ""
    return f"{bundle}{digest}{made}); misread {__version__} on {escaped(run.host)}, {run.seconds:.1f} s."
