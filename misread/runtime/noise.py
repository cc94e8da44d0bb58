"""How far a build's own numbers wander when nothing about the picture changes.

One ONNX file gives slightly different logits with another batch size, thread count or optimisation level; quantised
graphs by as much as their quantisation error (onnxruntime issue 11576). A flip inside that is no finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Logits = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Jitter:
    """What one change of setting did.

    Attributes:
        setting: what was changed, as in `batch 1` or `level disable`.
        logit: largest change of one logit.
        margin: largest change of the difference between two logits of one picture.
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
    return Jitter(
        setting=setting,
        logit=float(np.abs(change).max(initial=0.0)),
        margin=float(np.ptp(change, axis=1).max(initial=0.0)) if change.size else 0.0,
        flips=int((reference.argmax(axis=1) != other.argmax(axis=1)).sum()) if change.size else 0,
    )


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
