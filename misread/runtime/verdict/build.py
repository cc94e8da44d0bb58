"""One build against a whole bundle: counts and rates over its judgements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.runtime.verdict.witness import Judgement, Verdict
from misread.stats import Rate, wilson

if TYPE_CHECKING:
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.noise import NoiseFloor


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
