"""Statistics with the clip as their unit: coverage by simulation, closed forms, printed tables."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import OptionError
from misread.stats import (
    clip_rate,
    clips_needed,
    exact,
    lonely,
    median_wait,
    paired_difference,
    permutation,
    unpaired_difference,
)
from misread.stats import paired as module

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES = 90


def film(
    generator: np.random.Generator,
    rates: tuple[float, ...],
    runs: int,
    clips: int,
    *,
    spread: float,
    shared: float = 0.0,
) -> NDArray[np.int64]:
    """Film clips as they come: a latent AR(1) with lag-1 correlation 0.9 over a clip's own level is cut at a threshold.

    Args:
        generator: draws all.
        rates: true share of hits, per arm.
        runs: how many.
        clips: of each run.
        spread: standard deviation of the clips' levels, where that of the frames is 1.
        shared: share of a clip's level that the arms have in common, as a correlation.

    Returns:
        (arms, runs, clips) hits of 90 frames.
    """
    size = (len(rates), runs, clips)
    common, own = generator.standard_normal(size[1:]), generator.standard_normal(size)
    level = spread * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
    cuts = np.array([NormalDist().inv_cdf(rate) for rate in rates]) * np.sqrt(1 + spread**2)
    state = generator.standard_normal(size)
    hits = np.zeros(size, np.int64)
    for _ in range(FRAMES):
        hits += state + level < cuts[:, None, None]
        state = 0.9 * state + np.sqrt(1 - 0.81) * generator.standard_normal(size)
    return hits


@pytest.mark.parametrize("spread", [0.5, 1.0])
@pytest.mark.parametrize("clips", [5, 10, 20, 30])
def test_the_clip_interval_covers_wherever_it_is_given(clips: int, spread: float) -> None:
    """Nominal 95 % covers at least 90 %, at rates in the middle and near the end; the mirror image covers likewise."""
    generator = np.random.default_rng(6)
    rates = (0.5, 0.85, 0.95, 0.97, 0.99)
    for rate, seen in zip(rates, film(generator, rates, 300, clips, spread=spread), strict=True):
        intervals = [clip_rate(run.tolist(), [FRAMES] * clips) for run in seen]
        assert all(one.low is not None and one.high is not None for one in intervals)
        covered = np.mean([one.low <= rate <= one.high for one in intervals])  # type: ignore[operator]
        assert covered >= 0.90, (rate, clips, spread)


def test_without_care_for_lonely_clips_it_would_not_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.stats.clips.lonely", lambda _: False)
    (seen,) = film(np.random.default_rng(6), (0.99,), 300, 20, spread=1.0)
    intervals = [clip_rate(run.tolist(), [FRAMES] * 20) for run in seen]
    assert np.mean([one.low <= 0.99 <= one.high for one in intervals]) < 0.89  # type: ignore[operator]


@pytest.mark.parametrize("rates", [(0.97, 0.02), (0.97, 0.9), (0.85, 0.5)])
@pytest.mark.parametrize("clips", [5, 8, 20])
def test_a_difference_covers_paired_or_not(
    rates: tuple[float, float], clips: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRAWS", 200)
    generator = np.random.default_rng(4)
    first, second = film(generator, rates, 150, clips, spread=0.7, shared=0.6)
    truth, paired, unpaired = rates[0] - rates[1], 0, 0
    for one, other in zip(first, second, strict=True):
        sides = [[(int(hits), FRAMES) for hits in side] for side in (one, other)]
        ends, apart = paired_difference(sides[0], sides[1], generator), unpaired_difference(sides[0], sides[1])
        assert ends is not None
        assert apart is not None
        paired += ends[0] <= truth <= ends[1]
        unpaired += apart[0] <= truth <= apart[1]
    assert min(paired, unpaired) / 150 >= 0.90


def test_a_difference_of_clips_that_never_differ_keeps_a_width() -> None:
    same = [(30, 30)] * 20
    ends = paired_difference(same, same, np.random.default_rng(0))
    assert ends is not None
    assert ends[0] < -0.05 < 0.05 < ends[1]


def test_a_difference_between_all_and_none_keeps_a_width() -> None:
    ends = paired_difference([(30, 30)] * 12, [(0, 30)] * 12, np.random.default_rng(0))
    assert ends == pytest.approx(unpaired_difference([(30, 30)] * 12, [(0, 30)] * 12))
    assert ends is not None
    assert ends[0] < 0.7


def test_differences_of_few_clips_have_no_interval() -> None:
    few, many = [(1, 2)] * 4, [(1, 2)] * 5
    assert paired_difference(few, few, np.random.default_rng(0)) is None
    assert unpaired_difference(few, many) is None
    assert unpaired_difference(many, few) is None
    with pytest.raises(OptionError, match="as many clips on both sides"):
        paired_difference(few, many, np.random.default_rng(0))


def test_an_unpaired_difference_joins_two_widths() -> None:
    first, second = [(30, 30)] * 10, [(0, 30)] * 10
    one = clip_rate([30] * 10, [30] * 10)
    assert one.low is not None
    assert unpaired_difference(first, second) == pytest.approx((1 - np.hypot(1 - one.low, 1 - one.low), 1.0))


# The ends of scipy.stats.binomtest(hits, total).proportion_ci(method="exact"), to four digits
@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 20, 0.0, 0.1684), (10, 10, 0.6915, 1.0), (81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617),
     (4, 5, 0.2836, 0.9949)],
)  # fmt: skip
def test_the_exact_interval_is_clopper_and_pearsons(hits: int, total: int, low: float, high: float) -> None:
    rate = exact(hits, total)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-4)


def test_the_exact_interval_of_nothing_is_none_and_of_much_is_quick() -> None:
    assert exact(0, 0).low is None
    assert exact(0, 5000).high == pytest.approx(3.689 / 5000, rel=1e-2)


def test_clips_are_lonely_where_the_rare_outcome_is_in_few_of_them() -> None:
    assert lonely(np.array([1.0] * 19 + [0.5]))
    assert lonely(np.array([0.0] * 19 + [0.5]))
    assert lonely(np.array([1.0] * 20))
    assert not lonely(np.array([0.95] * 18))  # shared alike by all
    assert not lonely(np.array([1.0] * 10 + [0.0] * 2))  # two whole clips


def test_so_many_clips_as_needed_and_no_fewer_leave_the_bound_out() -> None:
    hits, frames = [9, 5, 7, 4, 8, 6], [10] * 6
    needed = clips_needed(hits, frames, 0.5)
    assert needed is not None
    share, variance = 39 / 60, float(np.var(np.array(hits) / 10, ddof=1))
    # Closed form: Wilson's interval leaves b out where C (p-b)^2 / (b(1-b) s^2 / (p(1-p))) is beyond t(C-1)^2.
    from misread.stats import student_t_95

    def beyond(clips: int) -> bool:
        effective = share * (1 - share) * clips / variance
        return effective * (share - 0.5) ** 2 / 0.25 > student_t_95(clips - 1) ** 2

    assert beyond(needed)
    assert not beyond(needed - 1)


def test_with_so_many_clips_most_runs_settle_it() -> None:
    """What a large run asks for settles about every second run of that size, and most of twice the size."""
    generator = np.random.default_rng(9)
    (seen,) = film(generator, (0.65,), 1, 400, spread=0.7)
    needed = clips_needed(seen[0].tolist(), [FRAMES] * 400, 0.5)
    assert needed is not None
    settled = []
    for clips in (needed, 2 * needed):
        (runs,) = film(generator, (0.65,), 200, clips, spread=0.7)
        lows = [clip_rate(run.tolist(), [FRAMES] * clips).low for run in runs]
        settled.append(float(np.mean([low is not None and low > 0.5 for low in lows])))
    assert 0.35 <= settled[0] <= 0.7
    assert settled[1] >= 0.75


def test_no_number_of_clips_settles_a_share_at_the_bound() -> None:
    assert clips_needed([5] * 6, [10] * 6, 0.5) is None
    assert clips_needed([], [], 0.5) is None
    assert clips_needed([10], [10], 0.5) == 7


def test_a_permutation_finds_what_differs_and_nothing_where_nothing_does() -> None:
    generator = np.random.default_rng(1)
    assert permutation([1.0] * 8, [0.0] * 8, generator) < 0.002
    assert permutation([0.5] * 4, [0.5] * 6, generator) == 1.0
    # Of the 70 ways to split these two go as far as what was seen.
    assert permutation([1, 2, 3, 4], [5, 6, 7, 8], generator) == pytest.approx(2 / 70, abs=0.012)
    with pytest.raises(OptionError, match="clips on both sides"):
        permutation([], [1.0], generator)


@pytest.mark.parametrize(
    ("waits", "median"),
    [
        # Freireich's 6-MP arm (Kaplan and Meier's textbook case): median 23 weeks
        ([(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1), (17, 0), (19, 0),
          (20, 0), (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)], 23),
        ([(1, 1), (2, 1), (3, 1)], 2),
        ([(1, 0), (2, 0), (3, 1)], 3),
        ([(1, 1), (2, 0), (2, 0)], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_median_wait_is_kaplan_and_meiers(waits: list[tuple[float, int]], median: float | None) -> None:
    assert median_wait([(time, bool(happened)) for time, happened in waits]) == median
