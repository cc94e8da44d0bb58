"""The closed forms against the sums they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.card import Colour, ModelCard
from misread.runtime.compare.path.moments import Moments
from misread.runtime.compare.path.result import Residual
from misread.runtime.compare.path.tolerance import MOST_LEVELS, RMS_LEVELS, within
from misread.runtime.compare.path.way import Way, affine, planes


def planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0, 255, (3, 9, 7)), random.normal(size=(3, 9, 7))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.001, 3), st.floats(-3, 3))
def test_the_residual_is_that_of_the_pixels(seed: int, gain: float, offset: float) -> None:
    p, x = planted(seed)
    sums = Moments.of(p[:, :4], x[:, :4]) + Moments.of(p[:, 4:], x[:, 4:])
    gains, offsets = np.full(3, gain), np.full(3, offset)
    expected = np.sqrt((((x - gain * p - offset) / gain) ** 2).mean())
    assert sums.rms_levels(gains, offsets) == pytest.approx(expected, rel=1e-6)
    turned = np.sqrt((((x - gain * p[::-1] - offset) / gain) ** 2).mean())
    assert sums.reversed().rms_levels(gains, offsets) == pytest.approx(turned, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_fits_are_least_squares(seed: int) -> None:
    p, x = planted(seed)
    sums = Moments.of(p, x)
    gain, offset = sums.fit()
    zero = np.full(3, 100.0)
    through = sums.gain(zero)
    for channel in range(3):
        flat_p, flat_x = p[channel].ravel(), x[channel].ravel()
        np.testing.assert_allclose(
            np.polyfit(flat_p, flat_x, 1), [gain[channel], offset[channel]], rtol=1e-6, atol=1e-9
        )
        assert through[channel] == pytest.approx(np.linalg.lstsq((flat_p - 100)[:, None], flat_x, rcond=None)[0][0])
        assert sums.offset(gain)[channel] == pytest.approx((flat_x - gain[channel] * flat_p).mean(), abs=1e-9)
        assert sums.spread[channel] == pytest.approx(flat_p.std(), rel=1e-6)


def test_no_gain_is_no_fit() -> None:
    p, x = planted(1)
    assert Moments.of(p, x).rms_levels(np.array([1.0, 0.0, 1.0]), np.zeros(3)) == np.inf
    flat = Moments.of(np.full((3, 4, 4), 7.0), x[:, :4, :4])
    assert (flat.fit()[0] == 0).all()


@given(st.sampled_from(["rgb", "bgr"]), st.floats(0.001, 2))
@settings(deadline=None, max_examples=20)
def test_gain_and_offset_are_the_card_s(colour: Colour, scale: float) -> None:
    card = ModelCard(
        labels=("a", "b"), size_hw=(6, 6), colour=colour, scale=scale, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)
    )
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    gain, offset = affine(card)
    ordered = image[..., ::-1] if colour == "bgr" else image
    expected = ordered.transpose(2, 0, 1) * gain[:, None, None] + offset[:, None, None]
    np.testing.assert_allclose(planes(image, Way(card=card)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("rms", "most", "expected"),
    [(RMS_LEVELS, MOST_LEVELS, True), (RMS_LEVELS + 0.01, 0.0, False), (0.0, MOST_LEVELS + 0.01, False)],
)
def test_both_bounds_hold(rms: float, most: float, expected: bool) -> None:
    assert within(Residual(mean=0.0, rms=rms, most=most, max=most)) is expected
