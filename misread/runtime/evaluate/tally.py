"""Counting readings: everything an evaluation says, in memory that does not grow with the pictures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.runtime.evaluate.result import Bin, Calibration, ClassScore, Confusion
from misread.stats import Rate, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from misread.runtime.session import Reading

TOP: Final = 5
BINS: Final = 15


class Tally:
    """Readings of labelled pictures, counted as they come.

    Attributes:
        labels: of the model, in order.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Start with nothing."""
        self.labels = tuple(labels)
        self._pictures, self._right, self._read = (np.zeros(len(self.labels), np.int64) for _ in range(3))
        self._among_top = 0
        self._confused: Counter[tuple[int, int]] = Counter()
        self._binned, self._binned_right = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
        self._confidence = np.zeros(BINS, np.float64)

    def add(self, reading: Reading, truth: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count readings of pictures of the classes `truth`, (n,).

        Returns:
            (n,) place of the right label among the labels, 1 for the likeliest; of equal ones the first comes first.
        """
        read, confidence = reading.classes, reading.confidence.astype(np.float64)
        ranks = ranks_of(reading.logits, truth)
        right = read == truth
        np.add.at(self._pictures, truth, 1)
        np.add.at(self._right, truth[right], 1)
        np.add.at(self._read, read, 1)
        self._among_top += int((ranks <= TOP).sum())
        self._confused.update(zip(truth[~right].tolist(), read[~right].tolist(), strict=True))
        bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
        np.add.at(self._binned, bins, 1)
        np.add.at(self._binned_right, bins[right], 1)
        np.add.at(self._confidence, bins, confidence)
        return ranks

    @property
    def pictures(self) -> int:
        """How many were counted."""
        return int(self._pictures.sum())

    def top1(self) -> Rate:
        """Read right."""
        return wilson(int(self._right.sum()), self.pictures)

    def top5(self) -> Rate | None:
        """The right label is among the five likeliest; None where there are no more than five."""
        return wilson(self._among_top, self.pictures) if len(self.labels) > TOP else None

    def classes(self) -> tuple[ClassScore, ...]:
        """One per label, in order."""
        return tuple(
            ClassScore(label=label, right=wilson(int(right), int(total)), read_as=int(read))
            for label, right, total, read in zip(self.labels, self._right, self._pictures, self._read, strict=True)
        )

    def confusions(self) -> tuple[Confusion, ...]:
        """Most frequent first, then in the order of the labels."""
        pairs = sorted(self._confused.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(
            Confusion(truth=self.labels[truth], read=self.labels[read], times=times) for (truth, read), times in pairs
        )

    def calibration(self) -> Calibration:
        """Hold confidence against the share of right readings; NaN of nothing is avoided by 0."""
        total = max(self.pictures, 1)
        gaps = np.abs(self._confidence - self._binned_right)
        return Calibration(
            confidence=float(self._confidence.sum()) / total,
            error=float(gaps.sum()) / total,
            bins=tuple(
                Bin(
                    low=at / BINS,
                    high=(at + 1) / BINS,
                    right=wilson(int(self._binned_right[at]), int(self._binned[at])),
                    confidence=float(self._confidence[at] / self._binned[at]) if self._binned[at] else None,
                )
                for at in range(BINS)
            ),
        )


def ranks_of(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each picture's right label, (n,) from 1, among logits (n, k)."""
    own = logits[np.arange(len(truth)), truth][:, None]
    earlier = np.arange(logits.shape[1])[None] < truth[:, None]
    ranks: NDArray[np.int64] = 1 + (logits > own).sum(axis=1) + ((logits == own) & earlier).sum(axis=1)
    return ranks
