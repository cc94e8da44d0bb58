"""Rates with their numerator, denominator and interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from misread.errors import OptionError

Z_95 = 1.959963984540054
_TAIL = 0.025
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
    low, high = wilson_ends(hits / total, float(total), Z_95)
    return Rate(hits=hits, total=total, low=low, high=high)


def exact(hits: int, total: int) -> Rate:
    """Return a rate of independent trials with Clopper and Pearson's exact 95 % interval.

    It never covers less than it says. Of 0 in n its upper end is near 3.7/n; one-sided that is the rule of three.
    """
    if total == 0:
        return Rate(hits=hits, total=total, low=None, high=None)
    low = 0.0 if hits == 0 else _beyond(total - hits, total)
    return Rate(hits=hits, total=total, low=low, high=1.0 if hits == total else 1 - _beyond(hits, total))


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


def wilson_ends(share: float, n: float, z: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval for a share of `n` trials, which may be no whole number."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (0.0 if share == 0 else max(0.0, centre - half)), (1.0 if share == 1 else min(1.0, centre + half))


def _beyond(misses: int, total: int) -> float:
    """Return the p at which at most so many misses in `total` trials of chance 1 - p happen in 2.5 % of all cases."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        log_miss, log_hit = math.log1p(-middle), math.log(middle)
        tail = math.fsum(
            math.exp(_log_choose(total, k) + k * log_miss + (total - k) * log_hit) for k in range(misses + 1)
        )
        low, high = (middle, high) if tail < _TAIL else (low, middle)
    return (low + high) / 2


def _log_choose(total: int, k: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
