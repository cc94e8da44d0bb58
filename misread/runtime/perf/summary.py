"""Timings as figures: percentiles that the count of timings carries, and a ratio with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

PERCENTILES: Final = (50, 90, 95, 99)
#: Below this many rounds a ratio has no interval.
MIN_ROUNDS: Final = 5
_CONFIDENCE: Final = 0.95
_RESAMPLES: Final = 2000
_NS_PER_MS: Final = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long one step took.

    Attributes:
        step: `prepare`, `run` or `read`.
        count: timings behind the figures.
        mean_ms: arithmetic mean of a call.
        least_ms: of the quickest call.
        most_ms: of the slowest call.
        p50_ms: median, None where there are too few timings to tell; likewise the others.
        p90_ms: a tenth of the calls took longer.
        p95_ms: a twentieth took longer.
        p99_ms: a hundredth took longer.
        pictures_per_s: throughput of one caller: pictures over time, the slow calls included.
    """

    step: str
    count: int
    mean_ms: float
    least_ms: float
    most_ms: float
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    pictures_per_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """How many times as fast one thing is as another.

    Attributes:
        value: median over the rounds of the quotient of both medians of a round.
        low: lower end of the 95 % interval, by resampling the rounds; None below five rounds.
        high: upper end, likewise.
        rounds: in which both were timed one after the other.
    """

    value: float
    low: float | None
    high: float | None
    rounds: int


def fewest(percent: int) -> int:
    """Return how many timings a percentile needs: with fewer, all may lie below it with a chance of over 5 %.

    That is 5 for the median, 29, 59 and 299 for the 90th, 95th and 99th percentile.
    """
    return math.ceil(math.log(1 - _CONFIDENCE) / math.log(percent / 100))


def timing(step: str, took_ns: Sequence[int], *, batch: int) -> Timing:
    """Summarise the durations of calls that took `batch` pictures each; at least one."""
    took_ms = np.asarray(took_ns, np.float64) / _NS_PER_MS
    p50, p90, p95, p99 = (
        float(np.percentile(took_ms, percent)) if len(took_ms) >= fewest(percent) else None for percent in PERCENTILES
    )
    total_s = max(float(took_ms.sum()), 1e-6) / 1000
    return Timing(
        step=step,
        count=len(took_ms),
        mean_ms=float(took_ms.mean()),
        least_ms=float(took_ms.min()),
        most_ms=float(took_ms.max()),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        pictures_per_s=batch * len(took_ms) / total_s,
    )


def speedup(slow: Sequence[float], fast: Sequence[float], *, generator: np.random.Generator) -> Ratio:
    """Return how many times as fast as `slow` `fast` is, from the median time per picture of each in each round.

    Both of a round were timed one after the other, so a machine that slows down slows both and their quotient stays.
    """
    quotients = np.asarray(slow, np.float64) / np.maximum(np.asarray(fast, np.float64), 1e-9)
    low: float | None = None
    high: float | None = None
    if len(quotients) >= MIN_ROUNDS:
        drawn = generator.integers(0, len(quotients), (_RESAMPLES, len(quotients)))
        tail = 50 * (1 - _CONFIDENCE)
        low, high = (float(end) for end in np.percentile(np.median(quotients[drawn], axis=1), [tail, 100 - tail]))
    return Ratio(value=float(np.median(quotients)), low=low, high=high, rounds=len(quotients))


def drift(per_round: Sequence[float]) -> float | None:
    """Return the median of the last third of the rounds over that of the first third; None below nine rounds.

    A processor that heats up, or a battery board that clocks down, shows here.
    """
    third = len(per_round) // 3
    if third < 3:
        return None
    first, last = float(np.median(per_round[:third])), float(np.median(per_round[-third:]))
    return last / max(first, 1e-9)
