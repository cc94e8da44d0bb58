"""What a comparison of two readers found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.compare.drift import Drift
    from misread.runtime.compare.path.result import PathFinding
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.noise import NoiseFloor
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Flip:
    """A picture that the two read differently.

    Attributes:
        name: of the picture.
        label_a: what A reads.
        label_b: what B reads.
        margin_a: how far A's label leads B's in A's logits.
        margin_b: how far B's label leads A's in B's.
        truth: the true label, or None where nobody said.
        in_noise_of: the sides, `A` or `B`, whose own noise is no smaller than their margin.
    """

    name: str
    label_a: str
    label_b: str
    margin_a: float
    margin_b: float
    truth: str | None = None
    in_noise_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentiles:
    """Of a figure that each picture has one of: half, nine tenths, 99 of 100 pictures have no larger one."""

    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles:
        """Return the percentiles of one value or more."""
        p50, p90, p99, most = np.quantile(np.asarray(values, np.float64), (0.5, 0.9, 0.99, 1.0))
        return cls(p50=float(p50), p90=float(p90), p99=float(p99), max=float(most))


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        name: as results call it.
        sha256: of a build's file, or of an origin's weights; empty where neither is there.
        card_sha256: of its card.
        fingerprint: of a build: software, settings, processor; None for what is no file.
        card_from: who supplied its card.
        labels: how many it has.
        accuracy: pictures read right, of those whose label is known; None where none is.
        unshared: pictures that it reads as a label which the other has not; the comparison takes its best shared one.
        noise: its own noise floor.
    """

    name: str
    sha256: str
    card_sha256: str
    fingerprint: Fingerprint | None
    card_from: tuple[str, ...]
    labels: int
    accuracy: Rate | None
    unshared: int
    noise: NoiseFloor


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two readers on the same pictures.

    Attributes:
        data: where the pictures are from.
        pictures: how many.
        shared_labels: labels that both have.
        agreement: pictures read alike.
        in_noise: flips that lie inside the noise of either side; they count for the gate.
        min_agreement: the gate.
        flips: every picture read differently.
        space: what is compared, `logits` or `log-probabilities`.
        difference: largest difference of a logit, picture by picture.
        relative: the same over the range of A's logits of that picture.
        a: the reference.
        b: the other.
        paths: how pictures come to the two models, and what was recorded of that.
        drift: by layer, where it was asked for.

    Examples:
        >>> found = misread.compare("signs.onnx", "signs.onnx", "bundle/images")
        >>> found.passed, found.exit_code
        (True, 0)
    """

    data: Path
    pictures: int
    shared_labels: int
    agreement: Rate
    in_noise: int
    min_agreement: float
    flips: tuple[Flip, ...]
    space: str
    difference: Percentiles
    relative: Percentiles
    a: Side
    b: Side
    paths: tuple[PathFinding, ...]
    drift: Drift | None = None

    @property
    def passed(self) -> bool:
        """Whether enough pictures are read alike."""
        return self.agreement.hits + self.in_noise >= self.min_agreement * self.agreement.total - 1e-9

    @property
    def exit_code(self) -> int:
        """0, or 1 below the gate."""
        return 0 if self.passed else 1

    @property
    def differ(self) -> bool:
        """Whether the logits differ by more than the noise of either side, or a thousandth of their range."""
        floor = max(self.a.noise.logit, self.b.noise.logit)
        return self.difference.max > floor and self.relative.max > 1e-3

    @property
    def diagnosis(self) -> str:
        """What the difference is: the path, the model, or nothing."""
        findings = [path.sentence for path in self.paths if path.culprits or not path.explained]
        if findings:
            return "; ".join(findings)
        if not self.differ:
            return "their outputs agree up to noise"
        where = f"; {self.drift.sentence}" if self.drift else ""
        return f"both are fed alike, so the model, not the path, is the difference{where}"

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        noise = f", {self.in_noise} more within the noise" if self.in_noise else ""
        gate = f"at least {self.min_agreement:.1%} is asked for".replace("%", " %")
        verb = "agree" if self.passed else "agree too seldom: they read alike"
        return f"A and B {verb} on {self.agreement.text()} of the pictures{noise}; {gate}; {self.diagnosis}"
