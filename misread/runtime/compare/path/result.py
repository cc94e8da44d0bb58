"""What a comparison of two ways from the picture to the input found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Stage = Literal["size", "decode", "resize", "crop", "kernel", "antialias", "colour", "scale", "mean", "std"]

STAGES: Final[dict[str, str]] = {
    "size": "input size",
    "decode": "EXIF orientation",
    "resize": "resize mode",
    "crop": "crop",
    "kernel": "resize kernel",
    "antialias": "antialias",
    "colour": "colour order",
    "scale": "scale",
    "mean": "mean",
    "std": "std",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One stage at which a way departs from what was expected.

    Attributes:
        stage: of `STAGES`, in the order in which a picture passes them.
        expected: as the reference does it.
        found: as the other does it.
    """

    stage: Stage
    expected: str
    found: str

    @property
    def text(self) -> str:
        """As in `colour order: bgr instead of rgb`."""
        return f"{STAGES[self.stage]}: {self.found} instead of {self.expected}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Residual:
    """How far two inputs are apart, in grey levels: 1/255 of full scale as the model is fed.

    Attributes:
        mean: of the absolute differences.
        rms: root of the mean square.
        most: 99.9 % of the differences are no larger.
        max: the largest.
    """

    mean: float
    rms: float
    most: float
    max: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What one departure does by itself.

    Attributes:
        change: the departure.
        levels: how far the input moves when nothing else departs.
        named: whether it is a culprit; a difference that the models themselves need is none.
        why: why it is not, else empty.
    """

    change: Change
    levels: Residual
    named: bool = True
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A hypothesis that was tried.

    Attributes:
        text: what it supposes.
        rms: levels that it leaves unexplained.
    """

    text: str
    rms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PathFinding:
    """Why two inputs of one picture differ, or that they do not.

    Attributes:
        what: which two ways were compared, in words.
        pictures: over how many pictures.
        before: how far the inputs are apart as they stand.
        left: how far they are apart once `effects` are taken into account.
        explained: whether `left` is within the tolerance.
        effects: the smallest set of departures that explains the difference, in the order of the stages.
        alternatives: other sets that explain it as well, each in words; these pictures cannot tell them apart.
        unseen: stages that cannot be told from these pictures, with the reason.
        tried: every hypothesis with what it leaves, best first.
        tolerance: `rms` and `most` of a residual that counts as none.
        remark: what else is to be said, or empty.
        sides: what was expected and what was found, as the columns of a table are headed.
    """

    what: str
    pictures: int
    before: Residual
    left: Residual
    explained: bool
    effects: tuple[Effect, ...]
    alternatives: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()
    tolerance: tuple[float, float] = (0.0, 0.0)
    remark: str = ""
    sides: tuple[str, str] = ("A", "B")

    @property
    def culprits(self) -> tuple[Change, ...]:
        """The departures that are to be mended."""
        return tuple(effect.change for effect in self.effects if effect.named) if self.explained else ()

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        if not self.explained:
            best = f"; the nearest, {self.tried[0].text}, leaves {self.tried[0].rms:.1f} levels" if self.tried else ""
            return f"{self.what} differ by {self.before.mean:.1f} grey levels and no known cause explains it{best}"
        if self.alternatives:
            several = " or ".join(("; ".join(c.text for c in self.culprits), *self.alternatives))
            return f"{self.what} differ, and what it is cannot be told from these pictures: {several}"
        if self.culprits:
            return f"{self.what} differ in {' and '.join(change.text for change in self.culprits)}"
        return f"{self.what} agree"
