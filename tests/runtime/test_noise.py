"""The noise floor: what a change of setting may turn over, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from misread.runtime.noise import floor_of, jitter, spread


def test_what_moves_all_logits_alike_moves_no_margin() -> None:
    reference = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    found = jitter("x", reference, reference + 7)
    assert (found.logit, found.margin, found.flips) == (7, 0, 0)


def test_two_logits_that_part_move_a_margin_by_both() -> None:
    reference = np.array([[0, 0.5, 0], [1, 2, 3]], np.float32)
    other = reference + np.array([[0.5, -0.25, 0], [0, 0, 0]], np.float32)
    found = jitter("x", reference, other)
    assert (found.logit, found.margin, found.flips) == (0.5, 0.75, 1)


def test_infinite_logits_on_both_sides_are_no_noise() -> None:
    reference = np.array([[np.inf, 1, -np.inf]], np.float32)
    found = jitter("x", reference, reference + np.array([[0, 0.5, 0]], np.float32))
    assert (found.logit, found.margin) == (0.5, 0.5)


def test_what_is_far_behind_decides_nothing() -> None:
    """Half-precision probabilities: the last class has underflowed to 0 in one setting and not in the other."""
    reference = np.log(np.array([[0.7, 0.3 - 6e-8, 6e-8]], np.float32))
    other = np.array([[reference[0, 0], reference[0, 1] - 0.25, -87.3]], np.float32)
    found = jitter("x", reference, other)
    assert found.margin == pytest.approx(0.25)
    assert found.logit > 70
    near = np.array([[0, -11.9, 0]], np.float32)
    assert jitter("x", near, near - np.array([[0, 70, 0]], np.float32)).margin == pytest.approx(
        70
    )  # near in one is near


@settings(deadline=None)
@given(hnp.arrays(np.float32, (4, 5), elements=st.floats(-100, 100, width=32)), st.integers(0, 4), st.integers(0, 4))
def test_the_floor_covers_every_margin(change: np.ndarray, one: int, other: int) -> None:
    reference = np.zeros((4, 5), np.float32)
    found = jitter("x", reference, change)
    assert found.margin >= np.abs(change[:, one].astype(np.float64) - change[:, other]).max()
    assert found.margin <= 2 * found.logit


def test_the_floor_is_the_largest_of_all_settings() -> None:
    zero = np.zeros((2, 2), np.float32)
    seen = [jitter(str(size), zero, zero + np.array([0, size], np.float32)) for size in (0.25, 0.75, 0.5)]
    floor = floor_of(seen, pictures=2, skipped=["level all: why"])
    assert (floor.logit, floor.margin, floor.pictures) == (0.75, 0.75, 2)
    assert [entry.setting for entry in floor.measured_over] == ["0.25", "0.75", "0.5"]
    assert floor.skipped == ("level all: why",)
    assert floor_of([], pictures=0).margin == 0


def test_no_pictures_make_no_noise() -> None:
    found = jitter("x", np.empty((0, 3), np.float32), np.empty((0, 3), np.float32))
    assert (found.logit, found.margin, found.flips) == (0, 0, 0)


@pytest.mark.parametrize(("total", "wanted"), [(0, 5), (3, 5), (5, 5), (100, 7), (100, 1)])
def test_a_sample_is_spread_over_all(total: int, wanted: int) -> None:
    chosen = spread(total, wanted)
    assert len(chosen) == len(set(chosen)) == min(total, wanted)
    assert all(0 <= at < total for at in chosen)
    if total > wanted > 1:
        assert (chosen[0], chosen[-1]) == (0, total - 1)
