"""Every rung keeps the contract, and each does what its name says."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.ladder import RUNGS, AsFile, Jpeg, ResizeRoundTrip, Rung


def scene(size: tuple[int, int] = (33, 47)) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
@pytest.mark.parametrize("size", [(33, 47), (8, 8), (4, 5)])
def test_a_rung_keeps_size_type_and_its_input_and_says_the_same_twice(rung: Rung, size: tuple[int, int]) -> None:
    image = scene(size)
    before = image.copy()
    after = rung.apply(image)
    assert after.shape == image.shape
    assert after.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(rung.apply(image), after)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_a_rung_leaves_a_flat_picture_as_it_is(rung: Rung) -> None:
    grey = np.full((16, 16, 3), 90, np.uint8)
    np.testing.assert_allclose(rung.apply(grey).astype(int), 90, atol=1)


def test_names_are_unique_and_fit_for_options() -> None:
    names = [rung.name for rung in RUNGS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names)
    assert all(len(rung.title) <= 20 for rung in RUNGS), "titles stand in a table of 80 columns"


def test_the_ladder_is_the_one_that_the_verdicts_promise() -> None:
    promised = (AsFile(), Jpeg(90), Jpeg(75), Jpeg(50), ResizeRoundTrip(0.5))
    assert promised == RUNGS


def test_the_file_itself_is_untouched() -> None:
    image = scene()
    assert AsFile().apply(image) is image


@pytest.mark.parametrize("quality", [90, 75, 50])
def test_jpeg_is_what_opencv_writes_and_reads(quality: int) -> None:
    image = scene()
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    np.testing.assert_array_equal(Jpeg(quality).apply(image), decoded[..., ::-1])


def test_a_lower_quality_loses_more() -> None:
    image = scene()
    losses = [np.abs(Jpeg(quality).apply(image).astype(int) - image).mean() for quality in (90, 75, 50)]
    assert losses == sorted(losses)
    assert losses[0] > 0


def test_half_the_size_and_back_is_pillows() -> None:
    image_module = pytest.importorskip("PIL.Image")
    image = scene((32, 48))
    small = image_module.fromarray(image).resize((24, 16), image_module.BILINEAR)
    expected = np.asarray(small.resize((48, 32), image_module.BILINEAR)).astype(int)
    np.testing.assert_allclose(ResizeRoundTrip(0.5).apply(image).astype(int), expected, atol=2)


def test_the_finest_checks_do_not_survive_half_the_size() -> None:
    checks = (np.indices((16, 16)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    inner = ResizeRoundTrip(0.5).apply(checks)[4:-4, 4:-4].astype(int)
    np.testing.assert_allclose(inner, 127.5, atol=1)


@pytest.mark.parametrize("factor", [0, 1, -0.5, float("nan"), 2])
def test_a_factor_that_makes_nothing_smaller_is_refused(factor: float) -> None:
    with pytest.raises(OptionError, match="between 0 and 1"):
        ResizeRoundTrip(factor)


def test_a_round_trip_says_its_factor() -> None:
    assert (ResizeRoundTrip(0.5).name, ResizeRoundTrip(0.5).title) == ("resize-0.5", "half size and back")
    assert ResizeRoundTrip(0.25).title == "0.25 of the size and back"


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_that_libjpeg_lacks_is_refused(quality: int) -> None:
    with pytest.raises(OptionError, match="between 1 and 100"):
        Jpeg(quality)
