from __future__ import annotations

import math

import pytest
import torch

from misread.attack.physical.channel.ranges import Range, centred, chance, require_probability
from misread.errors import OptionError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_severity_0_is_neutral_and_1_the_whole_interval() -> None:
    reach = Range(low=2.0, high=6.0, neutral=1.0)
    assert torch.equal(reach.draw(50, 0.0, generator()), torch.ones(50))
    full = reach.draw(4000, 1.0, generator())
    assert 2.0 <= full.min() < 2.05
    assert 5.95 < full.max() <= 6.0


def test_half_severity_lies_half_way_from_neutral() -> None:
    reach = Range(low=2.0, high=6.0, neutral=1.0)
    half, full = reach.draw(9, 0.5, generator()), reach.draw(9, 1.0, generator())
    torch.testing.assert_close(half - 1, (full - 1) / 2)


def test_a_logarithmic_range_has_its_median_at_the_geometric_mean() -> None:
    drawn = Range(low=0.01, high=1.0, neutral=1.0, log=True).draw(20_001, 1.0, generator())
    assert drawn.median().item() == pytest.approx(0.1, rel=0.05)


def test_the_generator_advances_alike_at_every_severity() -> None:
    one, other = generator(3), generator(3)
    centred(1.0).draw(5, 0.1, one)
    centred(1.0).draw(5, 1.0, other)
    assert torch.equal(one.get_state(), other.get_state())


def test_chance_scales_with_severity() -> None:
    assert chance(1.0, 100, 1.0, generator()).sum() == 100
    assert chance(1.0, 100, 0.0, generator()).sum() == 0
    assert 0.2 < chance(0.5, 4000, 0.5, generator()).mean() < 0.3


@pytest.mark.parametrize(
    ("low", "high", "neutral", "log"),
    [(2, 1, 1, False), (math.nan, 1, 1, False), (0, math.inf, 0, False), (0, 1, math.nan, False), (0, 1, 1, True)],
)
def test_refuses_empty_endless_and_impossible_ranges(low: float, high: float, neutral: float, log: bool) -> None:
    with pytest.raises(OptionError, match="range"):
        Range(low=low, high=high, neutral=neutral, log=log)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_refuses_what_is_no_probability(value: float) -> None:
    with pytest.raises(OptionError, match="coloured is a probability"):
        require_probability("coloured", value)
