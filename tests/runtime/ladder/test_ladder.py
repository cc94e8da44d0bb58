"""Every rung keeps the contract, and each does what its name says."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.ladder import (
    RUNGS,
    AsFile,
    Blur,
    Brightness,
    Gamma,
    Jpeg,
    Preprocessing,
    ResizeRoundTrip,
    Rung,
    Shift,
    SimulatedCapture,
    Webp,
)
from misread.runtime.ladder.simulated_capture import GENTLE

if TYPE_CHECKING:
    from collections.abc import Callable


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


@pytest.mark.parametrize(
    "rung", [rung for rung in RUNGS if not isinstance(rung, SimulatedCapture)], ids=lambda rung: rung.name
)
def test_a_rung_leaves_a_flat_picture_flat_and_as_bright_unless_that_is_its_work(rung: Rung) -> None:
    level = {"brightness-0.8": 72, "gamma-1.25": 69}.get(rung.name, 90)  # 255 * (90 / 255) ** 1.25 = 69.4
    grey = np.full((16, 16, 3), 90, np.uint8)
    np.testing.assert_allclose(rung.apply(grey).astype(int), level, atol=1)


def test_names_are_unique_and_fit_for_options() -> None:
    names = [rung.name for rung in RUNGS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names)
    assert all(len(rung.title) <= 20 for rung in RUNGS), "titles stand in a table of 80 columns"


def test_the_ladder_is_the_one_that_the_verdicts_promise() -> None:
    gentle = (AsFile(), Preprocessing(), Brightness(0.8), Gamma(1.25), Shift(0.02))
    stored = (Jpeg(90), Jpeg(75), Jpeg(50), Webp(80), Blur(1.0), ResizeRoundTrip(0.5))
    assert (*gentle, *stored, *(SimulatedCapture(draw) for draw in (1, 2, 3))) == RUNGS


def test_captures_are_gentle_differ_and_treat_both_copies_alike() -> None:
    """The settings lie in the profile, and two pictures that are equal on one side stay equal there."""
    smooth = np.broadcast_to(np.linspace(40, 200, 48, dtype=np.uint8)[:, None, None], (48, 48, 3)).copy()
    changed = smooth.copy()
    changed[:, 30:] = 255 - changed[:, 30:]
    seen = [SimulatedCapture(draw).apply(smooth).astype(int) for draw in (1, 2, 3)]
    for one in seen:
        ratio = one[8:40, 8:40].mean() / smooth[8:40, 8:40].mean()
        assert GENTLE.gain[0] - 0.04 < ratio < GENTLE.gain[1] + 0.04
        assert np.abs(one - smooth).mean() < 20
    assert min(np.abs(seen[0] - seen[1]).mean(), np.abs(seen[1] - seen[2]).mean()) > 1
    np.testing.assert_array_equal(SimulatedCapture(1).apply(changed)[:, :14], seen[0][:, :14])


@pytest.mark.parametrize("draw", [0, 1001])
def test_a_draw_that_is_none_is_refused(draw: int) -> None:
    with pytest.raises(OptionError, match="from 1 to 1000"):
        SimulatedCapture(draw)


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


def test_webp_is_what_pillow_decodes() -> None:
    image_module = pytest.importorskip("PIL.Image")
    smooth = np.add.outer(np.arange(32) * 4, np.arange(48) * 2).astype(np.uint8)[..., None].repeat(3, axis=2)
    _, data = cv2.imencode(".webp", smooth[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 80])
    expected = np.asarray(image_module.open(io.BytesIO(data.tobytes())).convert("RGB")).astype(int)
    np.testing.assert_allclose(Webp(80).apply(smooth).astype(int), expected, atol=1)  # YUV to RGB rounds once more


def test_a_shift_moves_by_its_share_and_repeats_the_edge() -> None:
    image = scene((50, 100))
    moved = Shift(0.04).apply(image)
    np.testing.assert_array_equal(moved[2:, 4:], image[:-2, :-4])
    np.testing.assert_array_equal(moved[:3, :5], np.broadcast_to(image[:1, :1], (3, 5, 3)))


def test_a_shift_of_a_small_picture_moves_one_pixel() -> None:
    image = scene((8, 8))
    np.testing.assert_array_equal(Shift(0.02).apply(image)[1:, 1:], image[:-1, :-1])


def test_a_blur_spreads_a_point_as_a_gaussian() -> None:
    image = np.zeros((21, 21, 3), np.uint8)
    image[10, 10] = 255
    spread = Blur(1.0).apply(image)[10, :, 0].astype(float)
    distance = np.arange(21) - 10.0
    np.testing.assert_allclose(spread, 255 * np.exp(-(distance**2) / 2) / (2 * np.pi), atol=1)


@pytest.mark.parametrize(
    ("rung", "levels", "expected"),
    [
        (Brightness(0.8), (0, 100, 255), (0, 80, 204)),
        (Brightness(1.5), (0, 100, 255), (0, 150, 255)),
        (Gamma(2.0), (0, 51, 255), (0, 10, 255)),  # 0.2 squared is 0.04, 10.2 of 255
        (Gamma(0.5), (0, 64, 255), (0, 128, 255)),
    ],
)
def test_tones_map_levels(rung: Rung, levels: tuple[int, ...], expected: tuple[int, ...]) -> None:
    image = np.tile(np.array(levels, np.uint8)[None, :, None], (4, 2, 3))
    np.testing.assert_array_equal(rung.apply(image)[0, : len(levels), 0], expected)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Webp, (0, 101)),
        (Shift, (0, 1, float("nan"))),
        (Blur, (0, -1, 101, float("nan"))),
        (Brightness, (0, 1, 11, float("nan"))),
        (Gamma, (0, 1, 11, float("nan"))),
    ],
)
def test_a_setting_out_of_range_is_refused(make: Callable[[float], Rung], values: tuple[float, ...]) -> None:
    for value in values:
        with pytest.raises(OptionError, match=f"got {value}"):
            make(value)


def test_names_and_titles_say_the_setting() -> None:
    said = [(rung.name, rung.title) for rung in (Webp(80), Shift(0.02), Blur(1.0), Brightness(0.8), Gamma(1.25))]
    assert said == [
        ("webp-80", "WebP 80"),
        ("shift-0.02", "crop off by 2 %"),
        ("blur-1", "blur, sigma 1 px"),
        ("brightness-0.8", "brightness x 0.8"),
        ("gamma-1.25", "gamma 1.25"),
    ]
