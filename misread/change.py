"""How far a changed picture is from its clean one, and a change of the same size without its meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError

UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How far a changed picture is from its clean one, counted in pixel values (height x width x channels).

    Attributes:
        values_changed: values that differ.
        values_total: values there are.
        largest_level: largest difference in levels of 0..255.
        l2: Euclidean norm of the difference in [0, 1] units.
    """

    values_changed: int
    values_total: int
    largest_level: int
    l2: float

    @property
    def linf(self) -> float:
        """Largest difference as a fraction of full scale."""
        return self.largest_level / 255

    def text(self) -> str:
        """Say it: `312 of 6,912 values changed, none by more than 2 of 255 levels`."""
        levels = "1 of 255 levels" if self.largest_level == 1 else f"{self.largest_level} of 255 levels"
        return f"{self.values_changed:,} of {self.values_total:,} values changed, none by more than {levels}"


def measure_change(clean: UInt8, changed: UInt8) -> Change:
    """Compare two (h, w, c) uint8 pictures.

    Raises:
        OptionError: the shapes differ.
    """
    if clean.shape != changed.shape:
        raise OptionError(f"a changed picture keeps its size, got {clean.shape} and {changed.shape}")
    difference = changed.astype(np.int32) - clean
    return Change(
        values_changed=int(np.count_nonzero(difference)),
        values_total=int(difference.size),
        largest_level=int(np.abs(difference).max(initial=0)),
        l2=math.sqrt(float((difference.astype(np.float64) ** 2).sum())) / 255,
    )


def placebo(clean: UInt8, changed: UInt8, generator: np.random.Generator) -> UInt8:
    """Return a change of the same size without its meaning: the differences dealt out anew, with random signs.

    Both are (h, w, c) uint8. The changed pixels stay the same; each takes the difference of a random other one. Where a
    sign would leave 0..255 the other is taken, and where both would, the value is clipped.
    """
    difference = changed.astype(np.int32) - clean
    where = difference.any(axis=2)
    dealt = generator.permutation(difference[where]) * generator.choice(
        [-1, 1], size=(int(where.sum()), clean.shape[2])
    )
    before = clean[where].astype(np.int32)
    outside = (before + dealt < 0) | (before + dealt > 255)
    result = clean.copy()
    result[where] = np.clip(before + np.where(outside, -dealt, dealt), 0, 255).astype(np.uint8)
    return result
