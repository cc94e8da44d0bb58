"""One witness on one build: what was read, and the verdict that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from misread.runtime.noise import NoiseFloor
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
