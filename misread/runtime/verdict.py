"""What verification says, as plain values: per witness, per build, per rung, and in one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from misread.errors import InputError, RuntimeFailure
from misread.stats import Rate, wilson
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.noise import NoiseFloor
    from misread.runtime.replay.result import Replay
    from misread.wish import Wish


class Verdict(StrEnum):
    """What one build says of one witness.

    Examples:
        >>> misread.Verdict.CONTESTED.counts, misread.Verdict.EXCLUDED.counts
        (True, False)
    """

    VERIFIED = "verified"
    """The clean picture is read right and the changed one is misread (as the goal says, where it names labels)."""
    REFUTED = "refuted"
    """The clean picture is read right, and so is the changed one (or it is not read as the goal says)."""
    CONTESTED = "contested"
    """A margin that decides lies inside the build's own noise."""
    EXCLUDED = "excluded"
    """The clean picture is misread, so the changed one proves nothing."""
    UNAVAILABLE = "unavailable"
    """The build could not be opened or run."""

    @property
    def counts(self) -> bool:
        """Whether the witness belongs to the denominator."""
        return self in {Verdict.VERIFIED, Verdict.REFUTED, Verdict.CONTESTED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What one build made of one picture.

    Attributes:
        label: what it read.
        confidence: softmax of that label, 0 to 1.
        margin: logit of the true label less the largest other one; negative where the picture is misread.
        goal_margin: largest wanted logit less the largest other one, positive where the goal is reached; None where any
            wrong label is wanted.
    """

    label: str
    confidence: float
    margin: float
    goal_margin: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One witness on one build, behind one rung.

    Attributes:
        witness: its id in the bundle.
        label: what is really in the picture.
        goal: what the changed picture should be read as, in the build's own labels.
        verdict: what follows.
        clean: what was read in the clean picture; None where nothing was.
        changed: what was read in the changed picture; likewise.
        placebo: what was read under the same size of change at random, where the bundle has it.
        misread: the clean picture is read right and the changed one is not, whatever it is taken for.
        reason: why there is no verdict, or what else to know.

    Examples:
        >>> one = misread.verify("bundle", "signs.onnx").builds[0].judgements[0]
        >>> one.witness, str(one.verdict), one.clean.label, one.misread
        ('0000', 'verified', 'Stop', True)
    """

    witness: str
    label: str
    goal: Wish
    verdict: Verdict
    clean: Look | None = None
    changed: Look | None = None
    placebo: Look | None = None
    misread: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildVerdict:
    """One build against the whole bundle.

    Attributes:
        name: unique within the verification.
        judgements: one per witness, in the order of the bundle, from the files as they are.
        sha256: of the model file; empty for a reader that has none.
        fingerprint: what ran; None where nothing did, or where the reader is no file.
        noise: the build's own jitter; None where it could not be measured.
        reason: why it is unavailable.
        exit_code: what that reason ends a command with; 0 where the build ran.
        card_from: who said how it is fed: `misread card`, other conventions, `flags`, `bundle`.
        notes: what else to know, such as a rung that would repeat another.

    Examples:
        >>> build = misread.verify("bundle", "signs.onnx").builds[0]
        >>> build.name, build.counted, build.count(misread.Verdict.VERIFIED)
        ('signs.onnx', 2, 2)
    """

    name: str
    judgements: tuple[Judgement, ...]
    sha256: str = ""
    fingerprint: Fingerprint | None = None
    noise: NoiseFloor | None = None
    reason: str = ""
    exit_code: int = 0
    card_from: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether it could be opened and run."""
        return not self.reason

    def count(self, verdict: Verdict) -> int:
        """Return how many witnesses got this verdict."""
        return sum(judgement.verdict is verdict for judgement in self.judgements)

    @property
    def counted(self) -> int:
        """How many witnesses count: their clean picture is read right."""
        return sum(judgement.verdict.counts for judgement in self.judgements)

    @property
    def clean(self) -> Rate:
        """Clean pictures read right, of those that were read."""
        read = [j for j in self.judgements if j.verdict is not Verdict.UNAVAILABLE]
        return wilson(sum(j.verdict is not Verdict.EXCLUDED for j in read), len(read))

    @property
    def verified(self) -> Rate:
        """Verified witnesses, of those that count."""
        return wilson(self.count(Verdict.VERIFIED), self.counted)

    @property
    def misread(self) -> Rate:
        """Witnesses misread in any way beyond the noise, of those that count; equals `verified` without targets."""
        return wilson(sum(j.misread for j in self.judgements if j.verdict.counts), self.counted)

    @property
    def robust(self) -> Rate:
        """Witnesses that are surely not misread, of those that count: what lies inside the noise is not sure."""
        sure = [j for j in self.judgements if j.verdict.counts and j.verdict is not Verdict.CONTESTED]
        return wilson(sum(not j.misread for j in sure), self.counted)

    @property
    def placebo(self) -> Rate:
        """Placebos misread, of the witnesses that count and have one: what the size of the change alone does."""
        looks = [(j.label, j.placebo) for j in self.judgements if j.verdict.counts and j.placebo is not None]
        return wilson(sum(look.label != label for label, look in looks), len(looks))

    @property
    def passed(self) -> bool:
        """Every witness that counts is verified, at least one counts, and none is unavailable."""
        whole = self.available and not self.count(Verdict.UNAVAILABLE)
        return whole and 0 < self.counted == self.count(Verdict.VERIFIED)


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


def contested(margin: float, noise: NoiseFloor | None) -> bool:
    """Tell whether a margin is no larger than what the build's own jitter can turn over."""
    return abs(margin) <= (noise.margin if noise else 0.0)


def decide(clean: Look, changed: Look, *, label: str, goal: Wish, noise: NoiseFloor | None) -> tuple[Verdict, bool]:
    """Return the verdict on one witness, and whether it was misread at all beyond the noise.

    Args:
        clean: what was read in the clean picture.
        changed: what was read in the changed picture.
        label: what is really in it.
        goal: what it should be read as; label and goal are spelt as the looks spell them.
        noise: the build's own jitter.
    """
    margins = (clean.margin, changed.margin, changed.goal_margin or 0.0)
    if any(math.isnan(margin) for margin in margins):
        return Verdict.UNAVAILABLE, False
    if clean.label != label:
        return Verdict.EXCLUDED, False
    sound = not contested(clean.margin, noise)
    misread = sound and changed.label != label and not contested(changed.margin, noise)
    decisive = changed.margin if goal == UNTARGETED else changed.goal_margin or 0.0
    if not sound or contested(decisive, noise):
        return Verdict.CONTESTED, misread
    return (Verdict.VERIFIED if goal.reached(changed.label, label) else Verdict.REFUTED), misread


def _passed_words(builds: tuple[BuildVerdict, ...]) -> str:
    words = []
    for build in builds:
        excluded = build.count(Verdict.EXCLUDED)
        tail = f" ({excluded} excluded, misread when clean)" if excluded else ""
        words.append(f"{build.count(Verdict.VERIFIED)} of {build.counted} on {build.name}{tail}")
    return ", ".join(words)


def _listed(builds: tuple[BuildVerdict, ...] | list[BuildVerdict]) -> str:
    return "; ".join(f"{build.name}: {failed_words(build)}" for build in builds)


def failed_words(build: BuildVerdict) -> str:
    """Say what keeps a build from passing, as `8 of 10 verified, 2 refuted`."""
    if not build.available:
        return "unavailable"
    found = [
        f"{number} {verdict}"
        for verdict in (Verdict.REFUTED, Verdict.CONTESTED, Verdict.UNAVAILABLE, Verdict.EXCLUDED)
        if (number := build.count(verdict))
    ]
    return ", ".join([f"{build.count(Verdict.VERIFIED)} of {build.counted} verified", *found])
