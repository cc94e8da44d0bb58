"""Tests and intervals for two readers, or two conditions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError
from misread.stats.clips import MIN_CLIPS, clip_rate, lonely
from misread.stats.rates import Z_95, student_t_95

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DRAWS = 2000
_FEW_CLIPS = 10
Ends = tuple[float, float]


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


def paired_interval(lost: float, gained: float, total: float) -> Ends:
    """Return the 95 % interval of (lost - gained) / total, a difference of two shares of the same pictures.

    Wald's interval with half a picture added to each of the four cells (Agresti and Min 2005): it keeps its width
    where nothing flipped.
    """
    n, up, down = total + 2, lost + 0.5, gained + 0.5
    centre = (up - down) / n
    half = Z_95 * math.sqrt(up + down - (up - down) ** 2 / n) / n
    return max(-1.0, centre - half), min(1.0, centre + half)


def paired_difference(
    first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]], generator: np.random.Generator
) -> Ends | None:
    """Return the 95 % interval of the difference of two shares of frames, first less second, over the same clips.

    The clip bootstrap: clips are drawn with both their counts. Its percentiles are those of Student's t with C-1
    degrees of freedom, widened by sqrt(C/(C-1)) (Hesterberg 2015), for the plain ones are too narrow with few clips.
    Resampling knows nothing of what was not seen: where hardly a clip differs the interval is joined with that of
    `paired_interval` with clips as its cases, and where a side is `lonely`, or below ten clips, with that of
    `unpaired_difference`.

    Args:
        first: (hits, frames) per clip, frames at least 1.
        second: likewise, clip by clip.
        generator: draws the clips.

    Returns:
        None below five clips.

    Raises:
        OptionError: the sequences differ in length.
    """
    if len(first) != len(second):
        raise OptionError(f"pairs have as many clips on both sides, got {len(first)} and {len(second)}")
    count = len(first)
    if count < MIN_CLIPS:
        return None
    cells = np.array([[*one, *other] for one, other in zip(first, second, strict=True)], np.float64)
    picks = (cells[generator.integers(count, size=count)].sum(axis=0) for _ in range(DRAWS))
    drawn = np.array([one[0] / one[1] - one[2] / one[3] for one in picks])
    tail = _normal_tail(student_t_95(count - 1) * math.sqrt(count / (count - 1)))
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    apart = cells[:, 0] / cells[:, 1] - cells[:, 2] / cells[:, 3]
    if _lone(np.abs(apart)):
        lost, gained = float(apart[apart > 0].sum()), float(-apart[apart < 0].sum())
        low, high = _joined((low, high), paired_interval(lost, gained, count))
    if count < _FEW_CLIPS or lonely(cells[:, 0] / cells[:, 1]) or lonely(cells[:, 2] / cells[:, 3]):
        low, high = _joined((low, high), unpaired_difference(first, second))
    return low, high


def unpaired_difference(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> Ends | None:
    """Return the 95 % interval of the difference of two shares of frames, first less second, of different clips.

    Newcombe's interval made of the two clip intervals, whose widths it joins. None below five clips on either side.

    Args:
        first: (hits, frames) per clip.
        second: likewise.
    """
    one, other = (clip_rate([pair[0] for pair in side], [pair[1] for pair in side]) for side in (first, second))
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    share, than = one.hits / one.total, other.hits / other.total
    below = math.hypot(share - one.low, other.high - than)
    above = math.hypot(one.high - share, than - other.low)
    return share - than - below, share - than + above


def permutation(first: Sequence[float], second: Sequence[float], generator: np.random.Generator) -> float:
    """Return the two-sided p-value of a permutation test on the means of two samples.

    Were there no difference, any split of all clips would be as likely as the one seen. What was seen counts as one
    of the splits, so p is at least 1/2001.

    Raises:
        OptionError: a side is empty.
    """
    if not first or not second:
        raise OptionError(f"a test needs clips on both sides, got {len(first)} and {len(second)}")
    pool, count = np.array([*first, *second], np.float64), len(first)
    seen = abs(_apart(pool, count))
    as_far = sum(abs(_apart(generator.permutation(pool), count)) >= seen - 1e-12 for _ in range(DRAWS))
    return (1 + as_far) / (1 + DRAWS)


def _joined(ends: Ends, others: Ends | None) -> Ends:
    return ends if others is None else (min(ends[0], others[0]), max(ends[1], others[1]))


def _apart(pool: NDArray[np.float64], count: int) -> float:
    return float(pool[:count].mean() - pool[count:].mean())


def _lone(apart: NDArray[np.float64]) -> bool:
    filled, squares = float(apart.sum()), float((apart**2).sum())
    return filled * filled <= MIN_CLIPS * squares


def _normal_tail(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
