from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from misread.attack.finish import Finisher, Predicate, stretch
from misread.errors import OptionError

UInt8 = NDArray[np.uint8]
CLEAN = np.full((8, 8, 3), 100, np.uint8)
WEIGHT = np.random.default_rng(0).random((8, 8, 3)) ** 3


def _needs(gain: float) -> Predicate:
    """Misread when the weighted rise is large enough: the fewest values are the heaviest."""

    def judge(batch: UInt8) -> NDArray[np.bool_]:
        said: NDArray[np.bool_] = ((batch.astype(float) - CLEAN) * WEIGHT).sum((1, 2, 3)) >= gain
        return said

    return judge


def _all(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(values.reshape(len(values), -1).all(axis=1), bool)


def _slope(image: UInt8) -> NDArray[np.float32]:
    return -WEIGHT.astype(np.float32)


def test_a_linear_judge_gets_the_fewest_values() -> None:
    heaviest = np.sort(WEIGHT.ravel())[::-1]
    gain = float(2 * heaviest[:20].sum() - 1e-6)
    done = Finisher().finish(CLEAN, CLEAN + np.uint8(2), _needs(gain), slope=_slope)
    assert done.misread
    assert np.count_nonzero(done.image != CLEAN) == 20
    assert done.judged < 700


def test_levels_are_lowered_where_they_are_not_needed() -> None:
    done = Finisher().finish(CLEAN, CLEAN + np.uint8(9), lambda batch: _all(batch > 100), slope=_slope)
    assert (done.image == 101).all()


def test_without_a_slope_it_still_undoes() -> None:
    done = Finisher().finish(CLEAN, CLEAN + np.uint8(2), lambda batch: batch[:, 0, 0, 0] > 100)
    assert np.argwhere(done.image != CLEAN).tolist() == [[0, 0, 0]]


def test_never_adds_and_never_loses_the_misreading() -> None:
    random = np.random.default_rng(1)
    changed = (CLEAN + random.integers(-3, 4, CLEAN.shape)).astype(np.uint8)

    def judge(batch: UInt8) -> NDArray[np.bool_]:
        said: NDArray[np.bool_] = (np.abs(batch.astype(int) - CLEAN).sum((1, 2, 3)) + batch[:, 0, 0, 0]) % 7 != 3
        return said

    done = Finisher().finish(CLEAN, changed, judge)
    before, after = changed.astype(int) - CLEAN, done.image.astype(int) - CLEAN
    assert (np.abs(after) <= np.abs(before)).all()
    assert (after * before >= 0).all()
    assert judge(done.image[None])[0] == done.misread


def test_what_is_not_misread_comes_back_as_it_was() -> None:
    changed = CLEAN + np.uint8(1)
    done = Finisher().finish(CLEAN, changed, lambda batch: np.zeros(len(batch), bool))
    assert not done.misread
    assert done.judged == 1
    assert np.array_equal(done.image, changed)


def test_stretch_takes_the_least_that_is_misread() -> None:
    changed = CLEAN + np.uint8(4)
    stretched = stretch(CLEAN, changed, lambda batch: _all(batch >= 106))
    assert stretched is not None
    assert stretched.max() == 106
    assert stretch(CLEAN, changed, lambda batch: _all(batch >= 106), cap=5) is None


def test_stretch_stays_in_the_box() -> None:
    clean = np.full((2, 2, 3), 250, np.uint8)
    stretched = stretch(clean, clean + np.uint8(4), lambda batch: _all(batch == 255))
    assert stretched is not None
    assert stretched.max() == 255


def test_negative_counts_are_refused() -> None:
    with pytest.raises(OptionError, match="at least 0"):
        Finisher(rounds=-1)
