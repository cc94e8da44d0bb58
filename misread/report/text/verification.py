"""What `misread verify` prints: the verdicts, the ladder, the witnesses, and one sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from misread.report.text.replay import replay_lines
from misread.report.text.table import WIDTH, bar, counts, facts, interval, percent, said, table, wrapped
from misread.runtime.paired import pairs_of
from misread.runtime.verdict import Verdict
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.verdict import BuildVerdict, Judgement, Look, Step, Verification

#: What each verdict means, shown where it occurs.
MEANINGS: Final = {
    Verdict.VERIFIED: "read right when clean, misread when changed",
    Verdict.REFUTED: "read right when clean, and the change does not do what it should",
    Verdict.CONTESTED: "the margin lies inside the build's own noise",
    Verdict.EXCLUDED: "misread when clean already, so it proves nothing",
    Verdict.UNAVAILABLE: "the build could not be opened or run",
}

#: Witnesses named in one line.
NAMED: Final = 12


def verification_text(verification: Verification, *, witnesses: int = 10, width: int = WIDTH) -> str:
    """Return a verification as plain text that ends with its sentence.

    Args:
        verification: what was found.
        witnesses: how many are listed one by one; the JSON document has all.
        width: of the screen, in columns.
    """
    blocks = [
        _head(verification, width),
        _builds(verification, width),
        _notes(verification, width),
        _pairs(verification, width),
        replay_lines(verification.replays, width),
        _gates(verification, width),
        _ladder(verification.ladder, width),
        _filmed(verification, width),
        _witnesses(verification, witnesses, width),
        wrapped(verification.sentence, width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(verification: Verification, width: int) -> list[str]:
    pairs = [
        ("bundle", f"{verification.bundle} ({verification.witnesses} witnesses)"),
        ("made on", verification.origin),
        ("threat", said(verification.threat)),
        ("attack", said(verification.attack)),
    ]
    return facts(pairs, width=width)


def _builds(verification: Verification, width: int) -> list[str]:
    head = ("build", "clean", "verified", "95 % CI", "refuted", "contested", "excluded")
    rows = [
        (
            build.name,
            counts(build.clean),
            counts(build.verified),
            interval(build.verified),
            str(build.count(Verdict.REFUTED)),
            str(build.count(Verdict.CONTESTED)),
            str(build.count(Verdict.EXCLUDED)),
        )
        for build in verification.builds
        if build.available
    ]
    lines = ["VERDICTS"]
    if rows:
        lines += table(head, rows, right=range(1, len(head)), width=width)
    for build in verification.builds:
        if not build.available:
            lines += wrapped(f"{build.name}: unavailable, {build.reason}", first="  ", width=width)
        elif lost := [one for one in build.judgements if one.verdict is Verdict.UNAVAILABLE]:
            said = f"{build.name}: unavailable {_few([one.witness for one in lost])}; {lost[0].reason}"
            lines += wrapped(said, first="  ", width=width)
    seen = [verdict for verdict in Verdict if any(build.count(verdict) for build in verification.builds)]
    return lines + [line for verdict in seen for line in _meaning(verdict, width)]


def _meaning(verdict: Verdict, width: int) -> list[str]:
    return wrapped(MEANINGS[verdict], first=f"    {verdict}: ", width=width)


def origin_notes(verification: Verification) -> list[str]:
    """Say how many pictures the witnesses were chosen from, and whose labels they have.

    The ladder starts at images that torch misreads at 8 bits, so its first rungs are full by construction.
    """
    notes, counts, given = [], verification.counts, verification.labels_given
    if {"attempted", "proposed", "found"} <= counts.keys():
        lost = counts["proposed"] - counts["found"]
        notes.append(
            f"{counts['found']} of {counts['attempted']} attacked pictures became witnesses, {lost} more were misread "
            f"only before rounding to 8 bits; {counts.get('skipped', 0)} were misread already"
        )
    if given is not None and given < verification.witnesses:
        own = verification.witnesses - given
        notes.append(
            f"nobody labelled {own} of {verification.witnesses} witnesses: their label is the model's own reading"
        )
    return notes


def _notes(verification: Verification, width: int) -> list[str]:
    lines: list[str] = []
    for note in origin_notes(verification):
        lines += wrapped(note, first="  ", width=width)
    for build in verification.builds:
        for note in _build_notes(build):
            lines += wrapped(note, first="  ", width=width)
    return ["NOTES", *lines] if lines else []


def _build_notes(build: BuildVerdict) -> list[str]:
    notes = []
    if build.noise:
        worst = max(build.noise.measured_over, key=lambda entry: entry.margin, default=None)
        cause = f", by {worst.setting}" if worst and worst.margin > 0 else ""
        notes.append(
            f"{build.name}: noise of a margin {build.noise.margin:.2g} logits{cause} ({build.noise.pictures} pictures)"
        )
        notes += [f"{build.name}: noise not measured under {reason}" for reason in build.noise.skipped]
    if build.available and build.misread != build.verified:
        notes.append(f"{build.name}: misread as anything, target or not: {build.misread.text()}")
    if build.placebo.total:
        notes.append(f"{build.name}: placebo of the same size misread: {build.placebo.text()}")
    if build.card_from:
        notes.append(f"{build.name}: card from {', '.join(build.card_from)}")
    notes += [f"{build.name}: {note}" for note in build.notes]
    if build.fingerprint:
        run = build.fingerprint
        took = ", ".join(f"{provider} {nodes} nodes" for provider, nodes in run.nodes) or ", ".join(run.providers)
        notes.append(
            f"{build.name}: sha256 {build.sha256[:12]}, onnxruntime {run.onnxruntime}, {took}, "
            f"{run.threads} threads, level {run.level}, {run.cpu}"
        )
    return notes


def _pairs(verification: Verification, width: int) -> list[str]:
    """Say which build is misread where the other is not; the p-value is McNemar's."""
    rows = [
        (f"{one.first} / {one.second}", str(one.witnesses), *map(str, counted), f"{one.p_value:.2g}")
        for one in pairs_of(verification.builds)
        for counted in [(one.both, len(one.first_only), len(one.second_only))]
    ]
    if not rows:
        return []
    head = ("misread on", "of", "both", "first only", "second only", "p")
    lines = ["BUILD AGAINST BUILD", *table(head, rows, right=range(1, len(head)), width=width)]
    for one in pairs_of(verification.builds):
        for build, other, alone in ((one.first, one.second, one.first_only), (one.second, one.first, one.second_only)):
            if alone:
                lines += wrapped(f"on {build} and not on {other}: {_few(alone)}", first="  ", width=width)
    return lines


def _few(names: Sequence[str]) -> str:
    left = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {left} more" if left > 0 else "")


def _gates(verification: Verification, width: int) -> list[str]:
    lines: list[str] = []
    for gate in verification.gates:
        first = f"  {'open  ' if gate.passed else 'CLOSED'}  "
        lines += wrapped(f"{gate.sentence} (--{gate.gate})", first=first, width=width)
    return ["GATES", *lines] if lines else []


def _ladder(steps: tuple[Step, ...], width: int) -> list[str]:
    if not steps:
        return []
    head = ("", "", "alive", "share", "95 % CI", "excluded", "lost")
    rows = [
        (
            f"  {step.title}",
            bar(step.survived.share, max(6, min(24, width - 70))),
            counts(step.survived),
            percent(step.survived.share),
            interval(step.survived),
            str(step.excluded),
            str(len(step.killed)),
        )
        for step in steps
    ]
    first, *drawn = table(head, rows, right=range(2, len(head)), width=width)
    lines = wrapped("LADDER: witnesses still misread, of those whose clean copy is read right there", width=width)
    lines.append(first)
    for place, (step, line) in enumerate(zip(steps, drawn, strict=True)):
        if place == 0 or steps[place - 1].reader != step.reader:
            lines += wrapped(step.reader, first="  ", width=width)
        lines.append(line)
    return lines


def _filmed(verification: Verification, width: int) -> list[str]:
    """Say of each witness before the camera in how many frames it was misread."""
    lines: list[str] = []
    for one in sorted(verification.filmed, key=lambda one: (one.build, one.witness)):
        said = f"{one.finding.replace('-', ' ')}, misread in {one.misread.text()} frames: {one.reason}"
        lines += wrapped(f"{one.witness} on {one.build}: {said}", first="  ", width=width)
    return ["FILMED", *lines] if lines else []


def _witnesses(verification: Verification, limit: int, width: int) -> list[str]:
    available = [build for build in verification.builds if build.available]
    if not available or limit < 1:
        return []
    lines = ["WITNESSES"]
    for place, first in enumerate(available[0].judgements[:limit]):
        goal = "" if first.goal == UNTARGETED else f", {first.goal.words}"
        lines += wrapped(f"{first.witness}  {first.label}{goal}", first="  ", width=width)
        rows = [_witness_row(build.name, build.judgements[place]) for build in available]
        lines += table(("",) * 4, rows, right={3}, width=width, indent=4, gives=2)
    left = verification.witnesses - limit
    return [*lines, f"  … and {left} more; --json lists all"] if left > 0 else lines


def _witness_row(name: str, judgement: Judgement) -> tuple[str, str, str, str]:
    if judgement.clean is None or judgement.changed is None:
        return name, str(judgement.verdict), judgement.reason, ""
    wrong = judgement.verdict is Verdict.EXCLUDED
    read = f"clean: {_look(judgement.clean)}" if wrong else _look(judgement.changed)
    shown = judgement.clean if wrong else judgement.changed
    margins = {"margin": shown.margin, "goal": None if wrong else shown.goal_margin}
    said = [f"{what} {value:+.3g}" for what, value in margins.items() if value is not None and math.isfinite(value)]
    return name, str(judgement.verdict), read, ", ".join(said)


def _look(look: Look) -> str:
    sure = f"{100 * look.confidence:.0f}"
    return f"{look.label} {'>99' if sure == '100' else sure} %"
