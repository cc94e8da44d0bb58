"""Changes counted, and the placebo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.change import measure_change, placebo
from misread.errors import OptionError


def test_a_change_is_counted_in_values_and_levels() -> None:
    clean = np.full((2, 2, 3), 100, np.uint8)
    changed = clean.copy()
    changed[0, 0] = (103, 100, 96)
    change = measure_change(clean, changed)
    assert (change.values_changed, change.values_total, change.largest_level) == (2, 12, 4)
    assert change.linf == 4 / 255
    assert change.l2 == pytest.approx(5 / 255)
    assert change.text() == "2 of 12 values changed, none by more than 4 of 255 levels"
    with pytest.raises(OptionError, match="keeps its size"):
        measure_change(clean, clean[:1])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31))
def test_a_placebo_has_the_size_and_place_of_the_change_and_not_its_meaning(seed: int) -> None:
    generator = np.random.default_rng(seed)
    clean = generator.integers(20, 236, (8, 8, 3), dtype=np.uint8)
    delta = generator.integers(-9, 10, (8, 8, 3))
    delta[4:] = 0
    changed = (clean + delta).astype(np.uint8)
    fake = placebo(clean, changed, generator)
    real, other = measure_change(clean, changed), measure_change(clean, fake)
    assert other.largest_level == real.largest_level
    assert other.l2 == pytest.approx(real.l2)
    np.testing.assert_array_equal(fake[4:], clean[4:])
    assert not np.array_equal(fake, changed)


def test_a_placebo_at_the_ends_of_the_scale_keeps_its_size() -> None:
    clean = np.zeros((8, 8, 3), np.uint8)
    changed = np.full((8, 8, 3), 9, np.uint8)
    np.testing.assert_array_equal(placebo(clean, changed, np.random.default_rng(0)), changed)
