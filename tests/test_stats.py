"""Rates and intervals against values from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from misread.errors import OptionError
from misread.stats import Rate, clip_rate, mcnemar, paired_interval, student_t_95, wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(hits: int, total: int, low: float, high: float) -> None:
    rate = wilson(hits, total)
    assert rate.low == pytest.approx(low, abs=5e-5)
    assert rate.high == pytest.approx(high, abs=5e-5)


def test_a_rate_of_nothing_has_no_share_and_no_interval() -> None:
    rate = wilson(0, 0)
    assert (rate.share, rate.low, rate.high, rate.text()) == (None, None, None, "0/0")


def test_a_rate_says_counts_share_and_interval() -> None:
    assert wilson(9, 10).text() == "9/10 (90.0 %, 95 % CI 59.6-98.2)"
    assert Rate(hits=3, total=4, low=None, high=None).text() == "3/4 (75.0 %)"


@pytest.mark.parametrize(("hits", "total"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(hits: int, total: int) -> None:
    with pytest.raises(OptionError, match="0 <= hits <= total"):
        Rate(hits=hits, total=total, low=None, high=None)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.7062), (4, 2.7764), (20, 2.0860), (21, 2.0796), (30, 2.0423), (120, 1.9799)]
)
def test_student_t_matches_the_printed_table(freedom: int, expected: float) -> None:
    assert student_t_95(freedom) == pytest.approx(expected, abs=2e-4)


def test_student_t_needs_a_degree_of_freedom() -> None:
    with pytest.raises(OptionError, match="start at 1"):
        student_t_95(0)


def test_few_clips_give_counts_and_no_interval() -> None:
    rate = clip_rate([9, 10, 8, 10], [10, 10, 10, 10])
    assert (rate.hits, rate.total, rate.low, rate.high) == (37, 40, None, None)


def test_clips_without_frames_do_not_count() -> None:
    assert clip_rate([9, 10, 8, 10, 0], [10, 10, 10, 10, 0]).low is None


def test_unanimous_clips_are_as_many_trials_as_clips() -> None:
    rate = clip_rate([30] * 10, [30] * 10)
    t = 2.2622
    assert (rate.hits, rate.total, rate.high) == (300, 300, 1.0)
    assert rate.low == pytest.approx(10 / (10 + t * t), abs=1e-4)


def test_clips_that_disagree_widen_the_interval() -> None:
    agreeing = clip_rate([15] * 5 + [16] * 5, [30] * 10)
    split = clip_rate([30] * 5 + [1] * 5, [30] * 10)
    assert agreeing.share == split.share
    assert agreeing.low is not None
    assert split.low is not None
    assert split.low < agreeing.low - 0.2


def test_counts_must_come_in_pairs() -> None:
    with pytest.raises(OptionError, match="one frame count per clip"):
        clip_rate([1, 2], [3])


def test_the_clip_interval_covers() -> None:
    """Nominal 95 % covers at least 90 % of 400 simulated runs of 20 clips with strong correlation inside a clip."""
    generator = np.random.default_rng(0)
    truth, covered = 0.85, 0
    for _ in range(400):
        shares = generator.beta(truth * 8, (1 - truth) * 8, 20)
        rate = clip_rate(generator.binomial(30, shares).tolist(), [30] * 20)
        covered += rate.low is not None and rate.high is not None and rate.low <= truth <= rate.high
    assert covered / 400 >= 0.90


# scipy.stats.binomtest(min, first + second, 0.5).pvalue, to six digits
@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (2, 9, 0.06543), (10, 30, 0.00222143), (7, 7, 1.0)],
)
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int, p_value: float) -> None:
    assert mcnemar(first, second) == pytest.approx(p_value, rel=1e-4)
    assert mcnemar(second, first) == mcnemar(first, second)


def test_mcnemar_refuses_counts_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="start at 0"):
        mcnemar(-1, 3)


def test_a_paired_difference_has_the_published_interval() -> None:
    low, high = paired_interval(150, 86, 1600)  # Agresti 2002, section 10.1.1: 0.021 to 0.059
    assert low == pytest.approx(0.021, abs=5e-4)
    assert high == pytest.approx(0.059, abs=5e-4)
    assert paired_interval(86, 150, 1600) == pytest.approx((-high, -low))


def test_a_paired_interval_keeps_its_width_where_nothing_flipped() -> None:
    assert paired_interval(0, 0, 98) == pytest.approx((-0.0196, 0.0196), abs=1e-5)
    assert paired_interval(1, 0, 1)[1] <= 1


@pytest.mark.parametrize(("lost", "gained"), [(0.01, 0.01), (0.05, 0.01), (0.2, 0.05)])
def test_a_paired_interval_covers(lost: float, gained: float) -> None:
    generator = np.random.default_rng(7)
    draws = generator.multinomial(100, [lost, gained, 1 - lost - gained], 2000)
    ends = [paired_interval(int(first), int(second), 100) for first, second, _ in draws]
    assert np.mean([low <= lost - gained <= high for low, high in ends]) >= 0.93
