"""A verification as test cases: which is red, which is skipped, and why.

Something is red exactly where `misread verify` does not end with 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from misread.report.words import plural
from misread.runtime.verdict import Verdict, failed_words
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.runtime.replay import Replay
    from misread.runtime.verdict import BuildVerdict, GateResult, Judgement, Look, Verification


class Outcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    """A check said no."""
    ERROR = "error"
    """There is no answer."""
    SKIPPED = "skipped"
    """It does not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test case. Foreign names stand in it as they are: escape it before writing.

    Attributes:
        name: the same in every run, and unique within a verification, so that a history can be kept.
        outcome: what became of it.
        kind: in one word, as `refuted` or the name of a gate.
        message: in one sentence.
    """

    name: str
    outcome: Outcome
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """The cases of one build.

    Attributes:
        name: of the build.
        cases: its verdict, its gates, its replay where it was packed, and its witnesses where they were asked for.
        build: None for what concerns no build alone.
    """

    name: str
    cases: tuple[Case, ...]
    build: BuildVerdict | None = None

    def count(self, outcome: Outcome) -> int:
        """Return how many cases came out so."""
        return sum(case.outcome is outcome for case in self.cases)

    @property
    def red(self) -> bool:
        """Whether any case says no, or has no answer."""
        return any(case.outcome in {Outcome.FAILED, Outcome.ERROR} for case in self.cases)


def suites_of(verification: Verification, *, witnesses: bool = False) -> tuple[Suite, ...]:
    """Return one suite per build, and one of the whole where it says no and no build does.

    Without gates a refuted or contested witness fails, an excluded one is skipped, an unavailable one is an error. With
    gates they alone decide: a witness fails where a closed gate names it.

    Args:
        verification: what was found.
        witnesses: a case for each witness too.
    """
    suites = tuple(_suite(build, verification, witnesses=witnesses) for build in verification.builds)
    if verification.passed or any(suite.red for suite in suites):
        return suites
    whole = Case(name="verification", outcome=Outcome.FAILED, kind="verification", message=verification.sentence)
    return (*suites, Suite(name="verification", cases=(whole,)))


def _suite(build: BuildVerdict, verification: Verification, *, witnesses: bool) -> Suite:
    gates = verification.gates
    own = [gate for gate in gates if gate.build == build.name]
    cases = [_verdict(build, gated=bool(gates)), *(_gate(gate, build) for gate in own)]
    cases += [_replay(replay) for replay in verification.replays if replay.build == build.name]
    if witnesses:
        cases += _witnesses(build, own, gated=bool(gates))
    return Suite(name=build.name, cases=tuple(cases), build=build)


def _verdict(build: BuildVerdict, *, gated: bool) -> Case:
    name = f"{build.name}: verdict"
    if not build.available:
        return Case(name=name, outcome=Outcome.ERROR, kind="unavailable", message=build.reason)
    passed = gated or build.passed
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    message = failed_words(build) if build.counted else f"no witness counts; {failed_words(build)}"
    return Case(name=name, outcome=outcome, kind="verified" if passed else "not-verified", message=message)


def _replay(replay: Replay) -> Case:
    apart = Outcome.ERROR if replay.reason else Outcome.FAILED
    return Case(
        name=f"{replay.build}: replay",
        outcome=Outcome.PASSED if replay.agrees else apart,
        kind="replay",
        message=replay.sentence + (f", {replay.reason}" if replay.reason else ""),
    )


def _gate(gate: GateResult, build: BuildVerdict) -> Case:
    closed = Outcome.FAILED if build.available else Outcome.ERROR
    return Case(
        name=f"{build.name}: {gate.gate}",
        outcome=Outcome.PASSED if gate.passed else closed,
        kind=gate.gate,
        message=f"{gate.sentence} (--{gate.gate}{_named(gate)})",
    )


def _named(gate: GateResult) -> str:
    """Say which witnesses close a gate, a few of them."""
    shown = ", ".join(gate.witnesses[:10])
    if gate.passed or not shown:
        return ""
    more = len(gate.witnesses) - 10
    return f"; {plural(len(gate.witnesses), 'witness', 'witnesses')}: {shown}{f' and {more} more' if more > 0 else ''}"


def _witnesses(build: BuildVerdict, gates: list[GateResult], *, gated: bool) -> Iterator[Case]:
    closed: dict[str, list[str]] = defaultdict(list)
    for gate in gates:
        for witness in gate.witnesses if not gate.passed else ():
            closed[witness].append(gate.gate)
    for one in build.judgements:
        yield Case(
            name=f"{build.name}: witness {one.witness} {one.label}",
            outcome=_gated(one, closed) if gated else _ungated(one),
            kind=", ".join(closed[one.witness]) or str(one.verdict),
            message=seen(one) + "".join(f"; it closes --{gate}" for gate in closed[one.witness]),
        )


def _gated(one: Judgement, closed: dict[str, list[str]]) -> Outcome:
    if closed[one.witness]:
        return Outcome.FAILED
    return Outcome.PASSED if one.verdict.counts else Outcome.SKIPPED


def _ungated(one: Judgement) -> Outcome:
    match one.verdict:
        case Verdict.VERIFIED:
            return Outcome.PASSED
        case Verdict.REFUTED | Verdict.CONTESTED:
            return Outcome.FAILED
        case Verdict.EXCLUDED:
            return Outcome.SKIPPED
        case Verdict.UNAVAILABLE:
            return Outcome.ERROR


def seen(one: Judgement) -> str:
    """Say what one build made of one witness, as `refuted: Stop, read as Stop (98 %) when changed`."""
    if one.clean is None or one.changed is None:
        return f"{one.verdict}: {one.reason or 'not read'}"
    goal = "" if one.goal == UNTARGETED else f", {one.goal.words}"
    first = "" if one.clean.label == one.label else f"read as {_look(one.clean)} when clean, "
    return f"{one.verdict}: {one.label}{goal}, {first}read as {_look(one.changed)} when changed"


def _look(look: Look) -> str:
    return f"{look.label} (confidence {look.confidence:.3f}, margin {look.margin:+.3g})"
