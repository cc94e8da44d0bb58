"""What came of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.runtime.fingerprint import Fingerprint
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassScore:
    """How one class is read.

    Attributes:
        label: its name.
        right: of its pictures; of none where the data have none of it.
        read_as: how many pictures were read as this class, rightly or not.
    """

    label: str
    right: Rate
    read_as: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """One way to misread.

    Attributes:
        truth: what the pictures show.
        read: what they were read as.
        times: how many.
    """

    truth: str
    read: str
    times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Pictures whose confidence lies in (low, high].

    Attributes:
        low: exclusive, as a fraction; the first bin has 0 in it.
        high: inclusive.
        right: of them.
        confidence: their mean, or None of none.
    """

    low: float
    high: float
    right: Rate
    confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Whether confidence means what it says.

    Attributes:
        confidence: mean of the softmax of what was read, as a fraction.
        error: expected calibration error: over the bins, the mean distance between confidence and share of right
            readings, weighted by pictures.
        bins: of equal width, from 0 to 1.
    """

    confidence: float
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A picture that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How well a reader reads labelled pictures. Figures are of the pictures that could be read.

    Attributes:
        model: name of the reader.
        model_sha256: of its file, or of the weight file that its origin read; None where there is none.
        card_from: who said how it is fed.
        data: where the pictures are from.
        pictures: how many there were, those included that could not be read.
        top1: read right.
        top5: the right label is among the five likeliest; None for a model of five labels or fewer.
        classes: one per label of the model, in its order.
        confusions: most frequent first.
        calibration: of the confidence.
        unreadable: how many pictures could not be read.
        unreadable_named: these, at most the first `MAX_NAMED`.
        min_accuracy: the share of right readings that was asked for, or None.
        out: the file with a line for each picture, or None.
        seconds: wall-clock time.
        fingerprint: what ran, of a build.

    Examples:
        >>> from misread.assets import scenes_csv
        >>> misread.evaluate("signs.onnx", scenes_csv(), limit=4).top1.hits
        4
    """

    model: str
    model_sha256: str | None
    card_from: tuple[str, ...]
    data: str
    pictures: int
    top1: Rate
    top5: Rate | None
    classes: tuple[ClassScore, ...]
    confusions: tuple[Confusion, ...]
    calibration: Calibration
    unreadable: int
    unreadable_named: tuple[Unreadable, ...]
    min_accuracy: float | None
    out: Path | None
    seconds: float
    fingerprint: Fingerprint | None

    @property
    def absent(self) -> tuple[str, ...]:
        """Labels of which there is no picture that could be read."""
        return tuple(score.label for score in self.classes if not score.right.total)

    @property
    def passed(self) -> bool:
        """Whether accuracy reaches what was asked for; true where nothing was."""
        return self.min_accuracy is None or (self.top1.share or 0.0) >= self.min_accuracy

    @property
    def exit_code(self) -> int:
        """0 passed, 1 below the accuracy that was asked for."""
        return 0 if self.passed else 1

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        counts, _, share = self.top1.text().partition(" ")
        hits, _, total = counts.partition("/")
        said = f"{self.model} reads {hits} of {total} pictures right {share}"
        if self.unreadable:
            said += f", and {self.unreadable} of {self.pictures} could not be read and count nowhere"
        if self.min_accuracy is None:
            return said
        return f"{said}; {100 * self.min_accuracy:g} % was asked for{'' if self.passed else ', so this fails'}"
