"""The sensor's mosaic against OpenCV's bilinear demosaicing, and sizes from millimetres and metres."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from misread.attack.physical.channel import PROFILES, Channel, Draw, Profile, Range, View
from misread.attack.physical.channel.lens import Lens
from misread.attack.physical.channel.mosaic import Mosaic
from misread.card import ModelCard
from misread.errors import OptionError

CARD = ModelCard(labels=("a", "b"), size_hw=(24, 24))
WITH_LENS = [profile for profile in PROFILES if profile.lens is not None]


def view(sensor_px: float = 24.0) -> View:
    return View(picture_hw=(24, 24), sensor_px=sensor_px, render_hw=(24, 24), margin_px=2)


def at(share: float, down: int = 0, right: int = 0) -> Draw:
    return Draw("mosaic", {"share": torch.tensor([share]), "first": torch.tensor([float(down), float(right)])})


def texture() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def fed(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float64))


@pytest.mark.parametrize(
    ("down", "right", "code"),
    [
        (0, 0, cv2.COLOR_BayerRGGB2RGB),
        (0, 1, cv2.COLOR_BayerGRBG2RGB),
        (1, 0, cv2.COLOR_BayerGBRG2RGB),
        (1, 1, cv2.COLOR_BayerBGGR2RGB),
    ],
)
def test_it_is_bilinear_demosaicing(down: int, right: int, code: int) -> None:
    image = texture()
    raw = image[..., 1].copy()
    raw[down::2, right::2] = image[down::2, right::2, 0]
    raw[1 - down :: 2, 1 - right :: 2] = image[1 - down :: 2, 1 - right :: 2, 2]
    theirs = cv2.demosaicing(raw, code)[2:-2, 2:-2]
    ours = Mosaic().apply(fed(image), at(1.0, down, right), view())[0].numpy().transpose(1, 2, 0)[2:-2, 2:-2]
    assert np.abs(ours - theirs).max() <= 1.0


def test_flat_colours_pass_to_the_edge() -> None:
    flat = torch.tensor([0.9, 0.4, 0.1]).view(1, 3, 1, 1).expand(2, 3, 9, 11)
    torch.testing.assert_close(Mosaic().apply(flat, at(1.0, 1, 0), view()), flat)


def test_pixels_that_stand_for_several_of_the_sensor_show_less_of_it() -> None:
    image = fed(texture())
    full, half = (Mosaic().apply(image, at(1.0), view(px)) - image for px in (24.0, 48.0))
    torch.testing.assert_close(half, full / 2)


def test_a_lens_carries_metres_into_pixels() -> None:
    lens = Lens(sign_mm=750, focal_px=1200)
    seen = lens.sensor_px(Range(low=4, high=20, neutral=4, log=True))
    assert (seen.low, seen.high, seen.neutral, seen.log) == (45.0, 225.0, 225.0, True)
    assert lens.distance_m(45.0) == pytest.approx(20)
    assert lens.heights(45.0) == pytest.approx(20 / 0.75)


@pytest.mark.parametrize("profile", WITH_LENS, ids=lambda profile: profile.name)
def test_size_and_perspective_follow_one_distance(profile: Profile) -> None:
    channel = Channel(profile=profile, card=CARD)
    lens = profile.lens
    assert lens is not None
    for seed in range(5):
        log = channel.draw((40, 40), 3, 1.0, torch.Generator().manual_seed(seed)).log()
        assert log["sensor_px"] * log["distance_m"] == pytest.approx(lens.focal_px * lens.sign_mm / 1000)
        heights = log["distance_m"] / (lens.sign_mm / 1000)
        assert log["stages"]["pose"]["distance"] == pytest.approx([heights] * 3)


@pytest.mark.parametrize("lengths", [(0.0, 900.0), (150.0, float("nan")), (float("inf"), 900.0)])
def test_lengths_that_are_none_are_refused(lengths: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match="above 0 and finite"):
        Lens(sign_mm=lengths[0], focal_px=lengths[1])


def test_a_sheet_behind_or_on_the_lens_is_refused() -> None:
    lens = Lens(sign_mm=150, focal_px=900)
    with pytest.raises(OptionError, match="in front of the lens"):
        lens.sensor_px(Range(low=0, high=1, neutral=1))
    near = lens.sensor_px(Range(low=0.15, high=1, neutral=1))
    with pytest.raises(OptionError, match=r"at least 1\.2 picture heights"):
        Profile(name="x", version=1, lens=lens, sensor_px=near, render_px=96, stages=PROFILES[0].stages)
