"""Verifications made by hand, with every verdict and with names that a stranger chose to break what reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.report.outputs.base import Run
from misread.runtime.noise import Jitter, NoiseFloor
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Step, Verdict, Verification
from misread.stats import wilson
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.gates import Gates

V, R, C, X, U = Verdict
RUN: Final = Run(started=datetime(2026, 11, 27, 7, 30, 5, tzinfo=UTC), seconds=4.5, host="board-7")
WITNESSES: Final = Run(started=RUN.started, seconds=RUN.seconds, host=RUN.host, witnesses=True)
#: Markup of every kind, a formula, an escape sequence, a null, halves of surrogates, characters that XML lacks.
FOREIGN: Final = (
    '=cmd|\'/c\'!A0 </x>]]>&"|`*_[a](b)\n# \x1b[2J\x00\x0b\udc80\u202e\uffff @team {x="y"} \\ 停 '
    "<script>alert(1)</script>"
)


def judged(verdict: Verdict, witness: str, *, label: str = "Stop", other: str = "Yield") -> Judgement:
    """Return a judgement that a build could really have come to."""
    if verdict is U:
        return Judgement(witness=witness, label=label, goal=UNTARGETED, verdict=verdict, reason="the planted fault")
    misread = verdict is V
    clean = Look(label=other if verdict is X else label, confidence=0.9, margin=-2.0 if verdict is X else 2.0)
    changed = Look(
        label=other if misread else label, confidence=0.75, margin={V: -1.5, C: 0.0}.get(verdict, 1.5), goal_margin=None
    )
    return Judgement(
        witness=witness,
        label=label,
        goal=UNTARGETED,
        verdict=verdict,
        clean=clean,
        changed=changed,
        placebo=clean,
        misread=misread,
    )


def build(verdicts: Sequence[Verdict], *, name: str = "m.onnx", reason: str = "", label: str = "Stop") -> BuildVerdict:
    """Return a build with one witness for each verdict; one with a reason could not run."""
    noise = NoiseFloor(
        logit=1e-6, margin=2.5e-6, pictures=8, measured_over=(Jitter(setting="batch 1", logit=0, margin=0, flips=0),)
    )
    return BuildVerdict(
        name=name,
        judgements=tuple(
            judged(U if reason else verdict, f"{at:04d}", label=label) for at, verdict in enumerate(verdicts)
        ),
        sha256="" if reason else "ab" * 32,
        noise=None if reason else noise,
        reason=reason,
        exit_code=4 if reason else 0,
        card_from=() if reason else ("misread card",),
    )


def found(*builds: BuildVerdict, gates: Gates | None = None, origin: str = "signs") -> Verification:
    """Return the verification that found these builds, with a ladder of two rungs each."""
    ladder = tuple(
        Step(reader=one.name, rung=rung, title=title, survived=wilson(*alive), killed=killed)
        for one in builds
        if one.available
        for rung, title, alive, killed in (
            ("file", "as the file is", (one.count(V), one.counted), ()),
            ("jpeg-75", "JPEG 75", (0, one.counted), tuple(j.witness for j in one.judgements if j.verdict is V)),
        )
    )
    return Verification(
        bundle=Path("bundle"),
        witnesses=len(builds[0].judgements) if builds else 0,
        builds=builds,
        ladder=ladder,
        origin=origin,
        threat={"norm": "linf", "eps": 8 / 255},
        attack={"name": "pgd"},
        bundle_sha256="cd" * 32,
        gates=gates.check(builds, {}) if gates else (),
    )
