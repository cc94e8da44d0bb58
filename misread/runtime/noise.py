"""How far a build's own numbers wander when nothing about the picture changes.

One ONNX file gives slightly different logits with another batch size, thread count or optimisation level; quantised
graphs by as much as their quantisation error (onnxruntime issue 11576). A flip inside that is no finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Logits = NDArray[np.float32]

#: A class further behind than this, six in a million, is out of every decision. Its logit says little: where a build
#: returns probabilities in half precision it is the logarithm of a rounding error.
REACH: Final = 12.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Jitter:
    """What one change of setting did.

    Attributes:
        setting: what was changed, as in `batch 1` or `level disable`.
        logit: largest change of one logit.
        margin: largest change of the difference between two logits of one picture that may decide: the two largest,
            and all within `REACH` of the largest.
        flips: pictures whose label it changed.
    """

    setting: str
    logit: float
    margin: float
    flips: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseFloor:
    """The largest jitter seen; a margin no larger than `margin` decides nothing.

    Attributes:
        logit: largest change of one logit under any setting.
        margin: largest change of the difference between two logits of one picture under any setting.
        pictures: over how many pictures it was measured.
        measured_over: each setting with its own figures.
        skipped: settings under which the build could not run, with the reason.
    """

    logit: float
    margin: float
    pictures: int
    measured_over: tuple[Jitter, ...]
    skipped: tuple[str, ...] = ()


def jitter(setting: str, reference: Logits, other: Logits) -> Jitter:
    """Compare two (n, k) arrays of logits of the same pictures. Infinite logits on both sides count as equal."""
    both = np.isfinite(reference) & np.isfinite(other)
    change = np.where(both, other.astype(np.float64) - np.where(both, reference, 0.0), 0.0)
    near = _near(reference, both) | _near(other, both) | ~both
    return Jitter(
        setting=setting,
        logit=float(np.abs(change).max(initial=0.0)),
        margin=float(_widest(change, near)),
        flips=int((reference.argmax(axis=1) != other.argmax(axis=1)).sum()) if change.size else 0,
    )


def _near(logits: Logits, counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the two largest of the classes that count, and those within `REACH` of the largest."""
    if not logits.size:
        return counts
    ranked = np.sort(np.where(counts, logits, -np.inf), axis=1)
    least = np.minimum(ranked[:, -1:] - REACH, ranked[:, -2:][:, :1])
    near: NDArray[np.bool_] = counts & (logits >= least)
    return near


def _widest(change: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    """Return the largest distance between two changes of one row, 0 where a row has none that count."""
    high = change.max(axis=1, initial=-np.inf, where=where)
    low = change.min(axis=1, initial=np.inf, where=where)
    return float(np.maximum(high - low, 0.0).max(initial=0.0))


def floor_of(jitters: Iterable[Jitter], *, pictures: int, skipped: Sequence[str] = ()) -> NoiseFloor:
    """Return the floor that covers every jitter seen."""
    seen = tuple(jitters)
    return NoiseFloor(
        logit=max((entry.logit for entry in seen), default=0.0),
        margin=max((entry.margin for entry in seen), default=0.0),
        pictures=pictures,
        measured_over=seen,
        skipped=tuple(skipped),
    )


def spread(total: int, wanted: int) -> Sequence[int]:
    """Return at most `wanted` indices below `total`, evenly spread, the first among them."""
    if total <= wanted:
        return range(total)
    return tuple(int(at) for at in np.linspace(0, total - 1, wanted))
