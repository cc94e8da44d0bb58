"""Rates with their numerator, denominator and interval, and tests that know what is paired."""

from __future__ import annotations

from misread.stats.clips import MIN_CLIPS, clip_rate, clips_needed, lonely
from misread.stats.paired import mcnemar, paired_difference, paired_interval, permutation, unpaired_difference
from misread.stats.rates import Z_95, Rate, exact, student_t_95, wilson
from misread.stats.survival import median_wait

__all__ = [
    "MIN_CLIPS",
    "Z_95",
    "Rate",
    "clip_rate",
    "clips_needed",
    "exact",
    "lonely",
    "mcnemar",
    "median_wait",
    "paired_difference",
    "paired_interval",
    "permutation",
    "student_t_95",
    "unpaired_difference",
    "wilson",
]
