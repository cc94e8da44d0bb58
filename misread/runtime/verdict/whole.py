"""The whole verification: builds, rungs, gates, replays and films, and one sentence over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from misread.errors import InputError, RuntimeFailure
from misread.runtime.verdict.build import BuildVerdict, failed_words
from misread.runtime.verdict.witness import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from misread.runtime.replay.result import Replay
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One rung of one reader's ladder.

    Attributes:
        reader: the build, or `torch` for the rungs that the host recorded.
        rung: its name, as in `jpeg-75`.
        title: its words, as in `JPEG 75`.
        survived: witnesses still misread there, of those whose clean copy is read right there.
        excluded: witnesses whose clean copy, through the same rung, is misread: the paired control.
        contested: witnesses in the denominator whose margin lies inside the noise.
        unavailable: witnesses that could not be read.
        killed: ids of the witnesses that failed here and on no rung before.
    """

    reader: str
    rung: str
    title: str
    survived: Rate
    excluded: int = 0
    contested: int = 0
    unavailable: int = 0
    killed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """One gate on one build.

    Attributes:
        gate: its option, as in `max-flips`.
        build: name of the build.
        passed: whether it stays open.
        sentence: what was measured and what was asked for.
        rate: what was measured.
        limit: what was asked for; None for a baseline.
        p_value: of the test against the baseline.
        witnesses: ids of the witnesses that close it, or would.
    """

    gate: str
    build: str
    passed: bool
    sentence: str
    rate: Rate
    limit: float | None = None
    p_value: float | None = None
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmedWitness:
    """What a camera run found of one witness on one build.

    Attributes:
        witness: its id.
        build: who read the frames.
        finding: `persists`, `does-not-persist`, `inconclusive`, `invalid-control` or `not-measured`.
        reason: why, with the threshold.
        misread: frames misread, of those measured, with the interval over clips.
    """

    witness: str
    build: str
    finding: str
    reason: str
    misread: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """A bundle against builds: the result of `misread verify`.

    Attributes:
        bundle: the folder.
        origin: which model the witnesses were made on.
        threat: what the attacker was allowed.
        attack: how they were made.
        counts: of the pictures that the attack saw, as in the bundle.
        labels_given: witnesses whose label somebody gave; the others have what the twin read. None where unknown.
        witnesses: how many there are.
        builds: one entry per build, in the order asked for.
        ladder: the rungs in order, reader by reader, the host's first.
        bundle_sha256: of its card and witnesses; packing builds leaves it as it is.
        gates: each gate asked for on each build; with gates, they alone decide.
        replays: each packed build against its record; one that disagrees is a finding of its own, whatever else passed.
        filmed: what a camera run found of the witnesses, on the builds verified here; it decides nothing.

    Examples:
        >>> found = misread.verify("bundle", ["signs.onnx"])
        >>> found.exit_code, [step.title for step in found.ladder if step.reader == "torch"]
        (0, ['torch float', 'torch 8-bit'])
    """

    bundle: Path
    witnesses: int
    builds: tuple[BuildVerdict, ...]
    ladder: tuple[Step, ...]
    origin: str = ""
    threat: Mapping[str, Any] = field(default_factory=dict)
    attack: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    labels_given: int | None = None
    bundle_sha256: str = ""
    gates: tuple[GateResult, ...] = ()
    replays: tuple[Replay, ...] = ()
    filmed: tuple[FilmedWitness, ...] = ()

    @property
    def passed(self) -> bool:
        """Every gate is open and every replay agrees.

        Without gates, all that counts is verified on every build, at least one on each.
        """
        if not all(replay.agrees for replay in self.replays):
            return False
        if self.gates:
            return all(gate.passed for gate in self.gates)
        return bool(self.builds) and all(build.passed for build in self.builds)

    @property
    def exit_code(self) -> int:
        """0 passed; 1 a gate, build or replay said no; with no build that ran, 2 if all were wrong input, else 4."""
        if self.passed:
            return 0
        codes = [build.exit_code for build in self.builds if not build.available]
        if len(codes) < len(self.builds) or not codes:
            return 1
        return InputError.exit_code if set(codes) == {InputError.exit_code} else RuntimeFailure.exit_code

    @property
    def sentence(self) -> str:
        """What happened, in numbers. Foreign names stand in it as they are: escape it before printing."""
        apart = [replay.sentence for replay in self.replays if not replay.agrees and not replay.reason]
        if apart:
            return f"this device disagrees with the host: {'; '.join(apart)}. {self._judged}"
        agreed = bool(self.replays) and all(replay.agrees for replay in self.replays)
        return self._judged + ("; this device agrees with the host" if agreed else "")

    @property
    def _judged(self) -> str:
        closed = [gate for gate in self.gates if not gate.passed]
        if self.gates and not closed:
            return f"passed: {'; '.join(gate.sentence for gate in self.gates)}"
        if not self.gates and self.builds and all(build.passed for build in self.builds):
            return f"verified: {_passed_words(self.builds)}"
        if not any(build.available for build in self.builds):
            reasons = "; ".join(f"{build.name}: {build.reason}" for build in self.builds)
            return f"unavailable: no build could run; {reasons}"
        if closed:
            return f"failed: {'; '.join(f'{gate.sentence} (--{gate.gate})' for gate in closed)}"
        return f"not verified: {_listed([build for build in self.builds if not build.passed])}"


def _passed_words(builds: tuple[BuildVerdict, ...]) -> str:
    words = []
    for build in builds:
        excluded = build.count(Verdict.EXCLUDED)
        tail = f" ({excluded} excluded, misread when clean)" if excluded else ""
        words.append(f"{build.count(Verdict.VERIFIED)} of {build.counted} on {build.name}{tail}")
    return ", ".join(words)


def _listed(builds: tuple[BuildVerdict, ...] | list[BuildVerdict]) -> str:
    return "; ".join(f"{build.name}: {failed_words(build)}" for build in builds)
