"""Display, banding, glare, motion, denoising and video: closed forms for each."""

from __future__ import annotations

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from misread.errors import OptionError, StorageError, UnknownName
from misread.runtime.channel import (
    PROFILES,
    Banding,
    Channel,
    Denoise,
    Display,
    Glare,
    Motion,
    Profile,
    Sensor,
    Stage,
    Video,
    named_profile,
)
from misread.runtime.channel import video as video_module
from misread.runtime.channel.display import stripes
from misread.runtime.channel.linear import to_levels, to_light
from misread.runtime.channel.motion import stroke

OLD = PROFILES[:2]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grey(level: int = 128, height: int = 96, width: int = 96) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def bars(frames: int) -> list[np.ndarray]:
    clip = []
    for frame in range(frames):
        scene = grey(60, 48, 64)
        scene[8:40, 4 + 6 * frame : 16 + 6 * frame] = (220, 180, 90)
        clip.append(scene)
    return clip


def test_levels_and_linear_light_are_each_others_inverse() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert (to_levels(to_light(every)) == every).all()
    assert float(to_light(every)[128]) == pytest.approx(((128 / 255 + 0.055) / 1.055) ** 2.4)
    assert to_levels(np.array([-1.0, 7.0], np.float32)).tolist() == [0, 255]


class TestDisplay:
    def test_a_pixel_gathers_a_third_of_each_colour_wherever_it_lies(self) -> None:
        gathered = stripes(Display(pitch_px=1.37, roll_deg=6.0, keystone=0.1, exposure=1.0), 120, 160)
        np.testing.assert_allclose(gathered.mean((0, 1)), 1 / 3, atol=0.004)

    def test_stripes_of_a_coarse_display_are_red_green_and_blue_in_turn(self) -> None:
        gathered = stripes(Display(pitch_px=12.0, exposure=1.0), 24, 48)[6]
        colours = gathered.argmax(-1)
        assert [int(colours[24 + 12 + at]) for at in (1, 5, 9)] == [0, 1, 2]
        lit = gathered[gathered.max(-1) > 0]
        np.testing.assert_allclose(lit.sum(-1), lit.max(-1), atol=1e-6)  # one colour at a time

    def test_moire_is_absent_at_matched_pitch_and_comes_with_any_other(self) -> None:
        sensor = Sensor(electrons=20_000, read_electrons=0)

        def ripple(pitch_px: float) -> float:
            # The mean of a neighbourhood takes the noise away; what is left waves slowly.
            seen = sensor.apply(Display(pitch_px=pitch_px).apply(grey(), rng()), rng())
            return float(cv2.blur(seen, (5, 5))[8:-8, 8:-8].astype(float).std(axis=(0, 1)).max())

        matched = ripple(1.0)
        assert matched < 1.5
        assert min(ripple(1.1), ripple(1.6), ripple(0.9)) > 4 * matched

    def test_moire_has_the_beat_of_the_pitch_with_the_mosaic(self) -> None:
        # Red is sampled every 2 px: a panel of 1.8 px beats with it once in 1 / (1/1.8 - 1/2) = 18 px.
        seen = Display(pitch_px=1.8).apply(grey(128, 64, 180), rng())
        red = to_light(seen[0::2, 0::2, 0]).mean(axis=0)
        spectrum = np.abs(np.fft.rfft(red - red.mean()))
        assert len(red) * 2 / spectrum.argmax() == pytest.approx(18)


class TestBanding:
    def test_the_period_is_the_line_rate_over_twice_the_mains(self) -> None:
        banding = Banding(mains_hz=60, line_us=25, exposure_ms=0.5, depth=0.5)
        assert banding.period_rows == pytest.approx(40_000 / 120)
        height = round(banding.period_rows * 6)
        rows = to_light(banding.apply(grey(128, height, 4), rng()))[:, 0, 0]
        assert np.abs(np.fft.rfft(rows - rows.mean())).argmax() == 6

    def test_a_whole_number_of_swings_leaves_no_band(self) -> None:
        seen = Banding(mains_hz=50, exposure_ms=20, depth=1.0).apply(grey(), rng())
        assert np.ptp(seen) == 0

    def test_a_short_exposure_shows_the_whole_depth(self) -> None:
        gain = Banding(mains_hz=50, line_us=50, exposure_ms=0, depth=0.4).rows(1000, 0.0)
        assert (gain.min(), gain.max()) == pytest.approx((0.6, 1.4), abs=1e-3)

    def test_every_picture_starts_at_another_phase(self) -> None:
        assert (Banding().apply(grey(), rng(1)) != Banding().apply(grey(), rng(2))).any()


def test_glare_saturates_its_middle_and_leaves_the_rest() -> None:
    seen = Glare(x=0.5, y=0.5, radius=0.05, peak=3.0).apply(grey(100, 201, 201), rng())
    assert (seen[100, 100] == 255).all()
    assert (seen[0, 0] == 100).all()
    # Light reaches 1 where grey + 3 exp(-d^2 / 2 r^2) does.
    reach = 0.05 * 201 * np.sqrt(2 * np.log(3 / (1 - float(to_light(grey(100))[0, 0, 0]))))
    saturated = (seen[..., 0] >= 254).sum()
    assert saturated == pytest.approx(np.pi * reach**2, rel=0.05)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0])
def test_a_stroke_has_the_second_moment_of_its_length(angle: float) -> None:
    kernel = stroke(12.0, angle).astype(float)
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    offset = np.arange(len(kernel)) - len(kernel) // 2
    across, down = (kernel.sum(0) * offset**2).sum(), (kernel.sum(1) * offset**2).sum()
    # L^2 / 12 along it; sharing a point between neighbours adds up to a quarter on each axis.
    assert across + down == pytest.approx(12**2 / 12, abs=0.5)
    assert (kernel.sum(0) * offset).sum() == pytest.approx(0, abs=1e-6)


def test_no_motion_changes_nothing() -> None:
    picture = rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert (Motion(length_px=0.0, angle_deg=33.0).apply(picture, rng()) == picture).all()


def test_denoising_takes_noise_and_leaves_edges() -> None:
    noisy = np.clip(rng(0).normal(100, 6, (60, 60, 3)), 0, 255).astype(np.uint8)
    noisy[:, 30:] += 100
    seen = Denoise(levels=25.0).apply(noisy, rng())
    assert seen[:, :25].std() < noisy[:, :25].std() / 2
    assert seen[:, 31].mean() - seen[:, 28].mean() == pytest.approx(100, abs=4)
    assert (Denoise(levels=0.0).apply(noisy, rng()) == noisy).all()


@pytest.mark.parametrize("coder", ["mp4v", "MJPG"])
class TestVideo:
    def test_a_clip_comes_back_in_order_and_close(self, coder: video_module.Coder) -> None:
        clip = bars(5)
        back = Video(coder=coder).clip(clip)
        assert len(back) == 5
        for at, (one, other) in enumerate(zip(clip, back, strict=True)):
            error = [np.abs(frame.astype(int) - other).mean() for frame in clip]
            assert int(np.argmin(error)) == at
            assert error[at] < 6
            assert (one != other).any()

    def test_odd_sizes_are_not_cut(self, coder: video_module.Coder) -> None:
        scene = np.asarray(cv2.resize(bars(1)[0], (65, 41)), np.uint8)
        seen = Video(coder=coder).apply(scene, rng())
        assert seen.shape == (41, 65, 3)
        assert np.abs(seen[-1].astype(int) - scene[-1]).mean() < 8


def test_motion_jpeg_loses_more_at_a_lower_quality() -> None:
    low, high = (np.abs(Video(quality=q).apply(bars(1)[0], rng()).astype(int) - bars(1)[0]).mean() for q in (10, 95))
    assert low > 2 * high


def test_a_writer_that_does_not_open_and_a_file_that_comes_back_short_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_module, "_read", lambda *_: [])
    with pytest.raises(StorageError, match="holds 0 of 2 frames"):
        Video(coder="mp4v").clip(bars(2))
    monkeypatch.setattr(cv2.VideoWriter, "isOpened", lambda _: False)
    with pytest.raises(StorageError, match="cannot write mp4v"):
        Video(coder="mp4v").clip(bars(2))


@pytest.mark.parametrize("frames", [[], [grey(), grey(1, 40, 40)]])
def test_clips_of_no_or_of_several_sizes_are_refused(frames: list[np.ndarray]) -> None:
    with pytest.raises(OptionError, match="all of one size"):
        Video().clip(frames)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Display, {"pitch_px": 0.1}),
        (Display, {"pitch_px": float("nan")}),
        (Display, {"roll_deg": 60.0}),
        (Display, {"keystone": 0.5}),
        (Display, {"exposure": 0.0}),
        (Banding, {"mains_hz": 0.0}),
        (Banding, {"line_us": float("nan")}),
        (Banding, {"exposure_ms": -1.0}),
        (Banding, {"depth": 1.5}),
        (Glare, {"x": 1.5}),
        (Glare, {"radius": 0.0}),
        (Glare, {"peak": float("nan")}),
        (Motion, {"length_px": 100.0}),
        (Motion, {"angle_deg": float("inf")}),
        (Denoise, {"levels": -1.0}),
        (Denoise, {"space_px": float("nan")}),
        (Video, {"coder": "H264"}),
        (Video, {"quality": 0.0}),
        (Video, {"quality": float("nan")}),
    ],
)
def test_settings_without_sense_are_refused(kind: type[Stage], options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        kind(**options)


def test_the_four_places_of_the_threat_are_there() -> None:
    for place in ("webcam-indoor", "phone-print", "screen", "dashcam"):
        assert named_profile(place) is named_profile(f"{place}-1")
    assert named_profile("webcam-dusk") is PROFILES[1]
    with pytest.raises(UnknownName, match="unknown camera profile"):
        named_profile("webcam")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_what_was_drawn_is_logged_whole(profile: Profile) -> None:
    channel = profile.draw(rng(1))
    log = channel.log()
    assert json.loads(json.dumps(log)) == log
    assert log["profile"] == profile.name
    kinds = {type(stage).name: type(stage) for stage in channel.stages}
    again = Channel(profile=log["profile"], stages=tuple(kinds[name](**said) for name, said in log["stages"].items()))
    assert again == channel


@pytest.mark.parametrize("profile", OLD, ids=lambda profile: profile.name)
def test_the_first_profiles_draw_what_they_always_drew(profile: Profile) -> None:
    generator = rng(4)
    uniform = [generator.uniform(*r) for r in (profile.gain, profile.slope, profile.slope, profile.defocus_px)]
    light, defocus, sensor = profile.draw(rng(4)).stages
    assert [*list(asdict(light).values()), defocus.radius_px] == uniform  # type: ignore[call-overload, attr-defined]
    assert sensor.electrons == round(generator.uniform(*profile.electrons), -2)  # type: ignore[attr-defined]
