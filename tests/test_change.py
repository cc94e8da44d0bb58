"""Changes counted, and the placebo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread import change as change_module
from misread.change import Change, measure_change, placebo, structural_similarity
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


def _by_hand(clean: Any, changed: Any) -> float:
    """SSIM window by window: the formula of scikit-image's `structural_similarity` with its border cut off.

    Its options are gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2.
    """
    across = np.arange(11) - 5
    window = np.exp(-(across[:, None] ** 2 + across[None] ** 2) / 4.5)
    window /= window.sum()
    found = []
    for c, y, x in np.ndindex(clean.shape[2], clean.shape[0] - 10, clean.shape[1] - 10):
        a, b = (np.float64(image[y : y + 11, x : x + 11, c]) for image in (clean, changed))
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
        together = (window * (a - mean_a) * (b - mean_b)).sum()
        brightness = (2 * mean_a * mean_b + 2.55**2) / (mean_a**2 + mean_b**2 + 2.55**2)
        found.append(brightness * (2 * together + 7.65**2) / (var_a + var_b + 7.65**2))
    return float(np.mean(found))


@pytest.mark.parametrize("shape", [(11, 11, 3), (14, 30, 1), (23, 12, 3)])
@pytest.mark.parametrize("most", [1, 40, 255])
def test_the_structural_similarity_is_that_of_its_definition(shape: tuple[int, int, int], most: int) -> None:
    random = np.random.default_rng(most)
    clean = random.integers(0, 256, shape, dtype=np.uint8)
    changed = np.clip(clean + random.integers(-most, most + 1, shape), 0, 255).astype(np.uint8)
    assert structural_similarity(clean, changed) == pytest.approx(_by_hand(clean, changed), abs=1e-12)


def test_a_picture_of_several_bands_is_measured_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    clean, changed = random.integers(0, 256, (2, 40, 13, 3), dtype=np.uint8)
    whole = structural_similarity(clean, changed)
    for rows in (1, 7, 30):
        monkeypatch.setattr(change_module, "_BAND_ROWS", rows)
        assert structural_similarity(clean, changed) == pytest.approx(whole)


def test_flat_pictures_differ_by_their_brightness_alone() -> None:
    """No variance on either side: what is left is (2 a b + C1) / (a^2 + b^2 + C1)."""
    clean, changed = (np.full((16, 16, 3), level, np.uint8) for level in (100, 120))
    expected = (2 * 100 * 120 + 2.55**2) / (100**2 + 120**2 + 2.55**2)
    assert measure_change(clean, changed).ssim == pytest.approx(expected)
    assert measure_change(clean, clean).ssim == pytest.approx(1)


def test_a_similarity_is_shown_as_1_for_equal_pictures_only() -> None:
    size = {"values_total": 9, "largest_level": 1, "l2": 0.1}
    shown = [
        Change(values_changed=changed, ssim=ssim, **size).similarity  # type: ignore[arg-type]  # a table of numbers
        for changed, ssim in ((1, 0.98765), (1, 0.99996), (0, 1.0), (1, None))
    ]
    assert shown == ["0.9877", ">0.9999", "1", "-"]
    assert measure_change(*np.zeros((2, 10, 40, 3), np.uint8)).ssim is None


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
