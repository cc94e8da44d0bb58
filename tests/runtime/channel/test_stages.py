"""The capture simulator: a contract for every stage, and closed forms for each."""

from __future__ import annotations

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest

import misread.runtime.channel as package
from misread.errors import OptionError
from misread.runtime.channel import PROFILES, STAGES, Codec, Defocus, Light, Profile, Sensor, Stage
from misread.runtime.channel.defocus import disc


def picture(height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", STAGES, ids=lambda kind: kind.name)
class TestEveryStage:
    def test_gives_a_new_picture_of_the_same_kind(self, kind: type[Stage]) -> None:
        before = picture()
        kept = before.copy()
        after = kind().apply(before, np.random.default_rng(0))
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        assert not np.shares_memory(after, before)
        assert (before == kept).all()

    def test_draws_from_the_generator_alone(self, kind: type[Stage]) -> None:
        first = kind().apply(picture(), np.random.default_rng(3))
        again = kind().apply(picture(), np.random.default_rng(3))
        assert (first == again).all()

    @pytest.mark.parametrize("size", [(5, 7), (4, 4), (33, 4)])
    def test_takes_small_and_odd_sizes(self, kind: type[Stage], size: tuple[int, int]) -> None:
        assert kind().apply(picture(*size), np.random.default_rng(0)).shape == (*size, 3)


def test_the_simulator_imports_nothing_of_the_training_channel() -> None:
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any("attack" in name or "torch" in name for name in names), path


def test_light_multiplies_by_its_plane() -> None:
    grey = np.full((101, 201, 3), 100, np.uint8)
    lit = Light(gain=1.1, slope_x=0.4).apply(grey, np.random.default_rng(0))[50, :, 0].astype(float)
    assert lit[100] == pytest.approx(110, abs=1)
    assert lit[0] == pytest.approx(110 * 0.8, abs=1)
    assert lit[200] == pytest.approx(110 * 1.2, abs=1)


def test_the_disc_has_the_radius_it_was_given() -> None:
    kernel = disc(5.0)
    offset = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    # The second moment of a uniform disc of radius r is r^2 / 4 along each axis; a Gauss would have tails.
    assert float((kernel.sum(axis=0) * offset**2).sum()) == pytest.approx(25 / 4, rel=0.02)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert kernel[0, 0] == 0


def test_defocus_below_a_pixel_changes_nothing() -> None:
    assert (Defocus(radius_px=0.5).apply(picture(), np.random.default_rng(0)) == picture()).all()


@pytest.mark.parametrize("level", [30, 128, 220])
def test_noise_has_the_mean_and_variance_of_poisson_counts(level: int) -> None:
    electrons, read = 1000.0, 5.0
    flat = np.full((256, 256, 3), level, np.uint8)
    sensor = Sensor(electrons=electrons, read_electrons=read)
    seen = sensor.apply(flat, np.random.default_rng(1)).astype(float)
    # Red is sampled at the even pixels of even rows, where the demosaic keeps what was read.
    red = seen[16:-16:2, 16:-16:2, 0] / 255
    linear = np.where(red <= 0.04045, red / 12.92, ((red + 0.055) / 1.055) ** 2.4) * electrons
    share = level / 255
    mean = ((share + 0.055) / 1.055) ** 2.4 * electrons
    assert linear.mean() == pytest.approx(mean, rel=0.02)
    assert linear.var() == pytest.approx(mean + read**2, rel=0.1)


def test_the_sensor_keeps_colours_where_they_are() -> None:
    flat = np.zeros((64, 64, 3), np.uint8)
    flat[:] = (200, 90, 40)
    seen = Sensor(electrons=20_000).apply(flat, np.random.default_rng(0))[8:-8, 8:-8].reshape(-1, 3).mean(axis=0)
    assert np.abs(seen - (200, 90, 40)).max() < 3


def test_the_codec_is_the_real_jpeg_encoder() -> None:
    codec = Codec(quality=60)
    data = codec.encode(picture())
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    decoded = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    assert (codec.apply(picture(), np.random.default_rng(0)) == decoded).all()
    assert data.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Light, {"gain": 0.0}),
        (Light, {"slope_x": 0.9}),
        (Light, {"gain": float("nan")}),
        (Defocus, {"radius_px": -1.0}),
        (Defocus, {"radius_px": float("nan")}),
        (Sensor, {"electrons": 1.0}),
        (Sensor, {"read_electrons": float("nan")}),
        (Codec, {"quality": 0}),
        (Codec, {"quality": 101}),
    ],
)
def test_settings_without_sense_are_refused(kind: type[Stage], options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        kind(**options)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_profiles_draw_within_their_ranges_from_the_generator(profile: Profile) -> None:
    drawn = [profile.draw(np.random.default_rng(seed)) for seed in range(20)]
    assert profile.draw(np.random.default_rng(7)) == drawn[7]
    assert len({channel.stages for channel in drawn}) == 20
    for channel in drawn:
        (light,) = (stage for stage in channel.stages if isinstance(stage, Light))
        (defocus,) = (stage for stage in channel.stages if isinstance(stage, Defocus))
        (sensor,) = (stage for stage in channel.stages if isinstance(stage, Sensor))
        assert profile.gain[0] <= light.gain <= profile.gain[1]
        assert profile.defocus_px[0] <= defocus.radius_px <= profile.defocus_px[1]
        assert profile.electrons[0] <= sensor.electrons <= profile.electrons[1]


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(OptionError, match="gain"):
        Profile(name="x", gain=(1, 0.5), slope=(0, 0), defocus_px=(0, 1), electrons=(100, 200), quality=80)
