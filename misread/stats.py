"""Rates with their numerator, denominator and interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

Z_95 = 1.959963984540054
MIN_CLIPS = 5
# Two-sided 95 % points of Student's t by degrees of freedom; beyond the table the Cornish-Fisher term is exact to 1e-4.
_T_95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A share that never travels without its counts.

    Attributes:
        hits: how often it happened.
        total: how often it could have.
        low: lower end of the 95 % interval as a fraction, or None where no interval is honest.
        high: upper end, likewise.
    """

    hits: int
    total: int
    low: float | None
    high: float | None

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if not 0 <= self.hits <= self.total:
            message = f"a rate needs 0 <= hits <= total, got {self.hits} of {self.total}"
            raise OptionError(message)

    @property
    def share(self) -> float | None:
        """The fraction, or None of nothing."""
        return self.hits / self.total if self.total else None

    def text(self) -> str:
        """Say it in full: `9/10 (90.0 %, 95 % CI 59.6-98.2)`."""
        if self.share is None:
            return "0/0"
        if self.low is None or self.high is None:
            return f"{self.hits}/{self.total} ({self.share * 100:.1f} %)"
        return (
            f"{self.hits}/{self.total} ({self.share * 100:.1f} %, 95 % CI {self.low * 100:.1f}-{self.high * 100:.1f})"
        )


def wilson(hits: int, total: int) -> Rate:
    """Return a rate of independent trials with Wilson's 95 % score interval (no interval of nothing)."""
    if total == 0:
        return Rate(hits=hits, total=total, low=None, high=None)
    low, high = _wilson(hits / total, float(total), Z_95)
    return Rate(hits=hits, total=total, low=low, high=high)


def clip_rate(hits_per_clip: Sequence[int], frames_per_clip: Sequence[int]) -> Rate:
    """Return a rate over frames whose interval knows that frames of one clip are not independent.

    Wilson's interval with the effective sample size n = p(1-p) / (s^2/C), s^2 the variance between the C clips'
    shares, capped at the frame count, n = C when s = 0, and Student's t with C-1 degrees of freedom in place of z.
    Clips without frames do not count. Below five clips there is no interval.

    Args:
        hits_per_clip: frames that count as a hit, per clip.
        frames_per_clip: measured frames, per clip.

    Raises:
        OptionError: the sequences differ in length.
    """
    if len(hits_per_clip) != len(frames_per_clip):
        message = f"one frame count per clip expected, got {len(hits_per_clip)} and {len(frames_per_clip)}"
        raise OptionError(message)
    pairs = [(hits, frames) for hits, frames in zip(hits_per_clip, frames_per_clip, strict=True) if frames]
    hits, total, clips = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs), len(pairs)
    if clips < MIN_CLIPS:
        return Rate(hits=hits, total=total, low=None, high=None)
    share = hits / total
    variance = float(np.var([pair[0] / pair[1] for pair in pairs], ddof=1))
    effective = share * (1 - share) / (variance / clips) if variance > 0 else float(clips)
    low, high = _wilson(share, min(max(effective, 1.0), float(total)), student_t_95(clips - 1))
    return Rate(hits=hits, total=total, low=low, high=high)


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the two-sided p-value of McNemar's exact test: two readers on the same cases.

    Under the null hypothesis a case on which they differ goes either way with probability 1/2.

    Args:
        first_only: cases in which it happened on the first alone.
        second_only: on the second alone. Cases on which both agree say nothing.

    Raises:
        OptionError: a negative count.
    """
    if min(first_only, second_only) < 0:
        message = f"counts start at 0, got {first_only} and {second_only}"
        raise OptionError(message)
    differ = first_only + second_only
    tail = sum(math.comb(differ, k) for k in range(min(first_only, second_only) + 1))
    return min(1.0, 2 * tail / (1 << differ))


def paired_interval(lost: int, gained: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of (lost - gained) / total, a difference of two shares of the same pictures.

    Wald's interval with half a picture added to each of the four cells (Agresti and Min 2005): it keeps its width
    where nothing flipped.
    """
    n, up, down = total + 2, lost + 0.5, gained + 0.5
    centre = (up - down) / n
    half = Z_95 * math.sqrt(up + down - (up - down) ** 2 / n) / n
    return max(-1.0, centre - half), min(1.0, centre + half)


def student_t_95(freedom: int) -> float:
    """Return the two-sided 95 % point of Student's t distribution."""
    if freedom < 1:
        message = f"degrees of freedom start at 1, got {freedom}"
        raise OptionError(message)
    if freedom <= len(_T_95):
        return _T_95[freedom - 1]
    z, v = Z_95, freedom
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2) + third


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (0.0 if share == 0 else max(0.0, centre - half)), (1.0 if share == 1 else min(1.0, centre + half))
