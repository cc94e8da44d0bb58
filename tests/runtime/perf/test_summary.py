"""Percentiles only where the count carries them, and a ratio that a slow machine does not move."""

from __future__ import annotations

import numpy as np
import pytest

from misread.runtime.perf.summary import MIN_ROUNDS, PERCENTILES, drift, fewest, speedup, timing


@pytest.mark.parametrize(("percent", "count"), [(50, 5), (90, 29), (95, 59), (99, 299)])
def test_a_percentile_needs_so_many_that_one_lies_above_it(percent: int, count: int) -> None:
    assert fewest(percent) == count
    assert (percent / 100) ** count <= 0.05 < (percent / 100) ** (count - 1)


@pytest.mark.parametrize("count", [1, 4, 5, 28, 29, 58, 59, 298, 299])
def test_percentiles_are_said_where_the_count_carries_them(count: int) -> None:
    found = timing("run", [1_000_000] * count, batch=1)
    said = [found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms]
    assert said == [1.0 if count >= fewest(percent) else None for percent in PERCENTILES]
    assert found.count == count


def test_the_figures_of_a_known_set() -> None:
    """1 to 1001 ms, in any order: the percentiles are the numbers themselves."""
    took = np.random.default_rng(0).permutation(np.arange(1, 1002)) * 1_000_000
    found = timing("read", [int(value) for value in took], batch=4)
    assert (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms) == (501, 901, 951, 991)
    assert (found.least_ms, found.most_ms, found.mean_ms) == (1, 1001, 501)
    assert found.pictures_per_s == pytest.approx(4 / 0.501)


def test_a_clock_that_stood_still_divides_nothing_by_nothing() -> None:
    assert timing("run", [0], batch=1).pictures_per_s > 0
    assert speedup([1.0], [0.0], generator=np.random.default_rng(0)).value > 0
    assert drift([0.0] * 9) == 0


def test_a_machine_that_slows_down_leaves_the_ratio_alone() -> None:
    slower = np.linspace(1, 10, 30)
    found = speedup(list(6 * slower), list(3 * slower), generator=np.random.default_rng(0))
    assert (found.value, found.low, found.high, found.rounds) == (2, 2, 2, 30)


def test_few_rounds_give_no_interval() -> None:
    times = [1.0] * (MIN_ROUNDS - 1)
    assert speedup(times, times, generator=np.random.default_rng(0)).low is None
    assert speedup([*times, 1.0], [*times, 1.0], generator=np.random.default_rng(0)).low == 1


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Two builds that differ by 1.5 under noise of a fifth: of 300 intervals about 285 hold 1.5."""
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        slow, fast = 1.5 * np.exp(0.2 * draw.standard_normal(30)), np.exp(0.2 * draw.standard_normal(30))
        found = speedup(list(slow), list(fast), generator=draw)
        held += found.low is not None and found.high is not None and found.low <= 1.5 <= found.high
    assert 270 <= held <= 298


def test_a_seed_gives_the_interval_again() -> None:
    slow, fast = list(range(10, 30)), list(range(5, 25))
    first, again = (speedup(slow, fast, generator=np.random.default_rng(3)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("rounds", "found"),
    [([1.0] * 8, None), ([1.0] * 9, 1), ([1, 1, 1, 9, 9, 9, 2, 2, 2], 2), ([4, 4, 4, 1, 2, 2, 2], None)],
)
def test_drift_is_the_end_over_the_beginning(rounds: list[float], found: float | None) -> None:
    assert drift(rounds) == found
