from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from misread.attack.physical.channel import PROFILES, Channel, Profile, Range
from misread.attack.physical.channel.arrive import arrive, to_levels
from misread.attack.physical.channel.pose import Pose
from misread.card import ModelCard
from misread.errors import OptionError
from misread.pixels import fit

CARD = ModelCard(labels=("a", "b"), size_hw=(24, 24))
WEBCAM = PROFILES[0]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(h: int, w: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (h, w, 3), dtype=np.uint8)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_a_perfect_capture_is_the_deployment_resize_alone(profile: Profile) -> None:
    image = picture(profile.render_px, profile.render_px)
    channel = Channel(profile=profile, card=CARD)
    frames = channel.apply(tensor(image), channel.draw(image.shape[:2], 3, 0.0, generator()))
    expected = tensor(fit(image, CARD)).expand(3, -1, -1, -1)
    assert (frames - expected).abs().max() <= 1.01 / 255


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_frames_are_finite_pictures_and_gradients_reach_the_pixels(profile: Profile) -> None:
    channel = Channel(profile=profile, card=CARD)
    x = tensor(picture(50, 70)).requires_grad_()
    for seed in range(4):
        frames = channel.apply(x, channel.draw((50, 70), 5, 1.0, generator(seed)))
        assert frames.shape == (5, 3, 24, 24)
        assert ((frames >= -1e-6) & (frames <= 1 + 1e-6)).all()
        (gradient,) = torch.autograd.grad(frames.sum(), x)
        assert gradient.isfinite().all()
        assert (gradient.abs().sum(0) > 0).float().mean() > 0.9


def test_the_same_seed_gives_the_same_clip_and_the_same_frames() -> None:
    channel, image = Channel(profile=WEBCAM, card=CARD), tensor(picture(40, 40))
    one, same, other = (channel.draw((40, 40), 4, 1.0, generator(seed)) for seed in (1, 1, 2))
    assert one.log() == same.log() != other.log()
    assert torch.equal(channel.apply(image, one), channel.apply(image, same))
    assert not torch.equal(channel.apply(image, one), channel.apply(image, other))


def test_the_log_names_the_profile_and_every_stage() -> None:
    log = Channel(profile=WEBCAM, card=CARD).draw((40, 40), 4, 0.5, generator()).log()
    assert json.loads(json.dumps(log)) == log
    assert (log["profile"], log["version"], log["severity"], log["frames"]) == ("webcam-indoor", WEBCAM.version, 0.5, 4)
    assert list(log["stages"]) == [stage.name for stage in WEBCAM.stages]
    assert len(log["stages"]["pose"]["yaw_deg"]) == 4


def test_sizes_beyond_the_cap_are_rendered_at_it_and_small_ones_as_they_are() -> None:
    fixed = replace(WEBCAM, sensor_px=Range(low=300, high=300, neutral=300))
    view = Channel(profile=fixed, card=CARD).draw((200, 100), 1, 1.0, generator()).view
    assert view.render_hw == (96, 48)
    assert view.ratio == pytest.approx(96 / 300)
    small = replace(WEBCAM, sensor_px=Range(low=60, high=60, neutral=60))
    view = Channel(profile=small, card=CARD).draw((200, 100), 1, 1.0, generator()).view
    assert (view.render_hw, view.ratio) == ((60, 30), 1.0)


@pytest.mark.parametrize(
    "card",
    [
        CARD,
        replace(CARD, interpolation="bicubic"),
        replace(CARD, interpolation="nearest"),
        replace(CARD, interpolation="area"),
        replace(CARD, antialias=False),
        replace(CARD, resize="crop", resize_px=28),
        replace(CARD, resize="letterbox"),
        replace(CARD, size_hw=(40, 56)),
    ],
    ids=str,
)
def test_arriving_is_what_the_device_does(card: ModelCard) -> None:
    image = picture(40, 56)
    ours = arrive(tensor(image)[None], card)[0] * 255
    assert (ours - tensor(fit(image, card)) * 255).abs().max() <= 1.01


def test_a_grey_reader_gets_luma() -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(40, 56), colour="grey", mean=(0.0,), std=(1.0,))
    flat = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 40, 56)
    out = arrive(flat, card)
    assert out.shape == (1, 1, 40, 56)
    assert out[0, 0, 0, 0].item() * 255 == pytest.approx(76)


def test_rounding_lets_gradients_through() -> None:
    x = torch.tensor([0.2501, 0.7]).requires_grad_()
    rounded = to_levels(x)
    assert (rounded * 255 - (rounded * 255).round()).abs().max() < 1e-4
    assert torch.autograd.grad(rounded.sum(), x)[0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("frames", "severity"), [(0, 1.0), (1, 1.1), (1, float("nan"))])
def test_refuses_clips_of_nothing(frames: int, severity: float) -> None:
    with pytest.raises(OptionError, match="severity from 0 to 1 and at least one frame"):
        Channel(profile=WEBCAM, card=CARD).draw((40, 40), frames, severity, generator())


def test_refuses_a_picture_of_another_size() -> None:
    channel = Channel(profile=WEBCAM, card=CARD)
    clip = channel.draw((40, 40), 1, 1.0, generator())
    with pytest.raises(OptionError, match=r"drawn for a picture of \(40, 40\)"):
        channel.apply(torch.zeros(3, 40, 41), clip)


def test_refuses_profiles_that_render_nothing() -> None:
    with pytest.raises(OptionError, match="8 pixels or more"):
        replace(WEBCAM, render_px=4)
    with pytest.raises(OptionError, match="one pose stage, got these stages: none"):
        replace(WEBCAM, stages=())
    with pytest.raises(OptionError, match="one pose stage"):
        replace(WEBCAM, stages=(Pose(), Pose()))


def test_profiles_have_names_of_their_own() -> None:
    assert PROFILES[0].name == "webcam-indoor"
    assert len({profile.name for profile in PROFILES}) == len(PROFILES)
