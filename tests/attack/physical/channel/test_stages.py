"""What every stage of every profile must do, and the closed form of each."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest
import torch

from misread.attack.physical.channel import PROFILES, Draw, Range, Stage, View
from misread.attack.physical.channel.blur import Blur, blur_kernels
from misread.attack.physical.channel.codec import _LUMA_TABLE, Codec, quantisation_table
from misread.attack.physical.channel.light import Light
from misread.attack.physical.channel.noise import Noise
from misread.attack.physical.channel.response import Response
from misread.attack.physical.channel.sheet import Sheet
from misread.attack.physical.channel.tone import Tone
from misread.attack.physical.channel.transfer import to_coded, to_light

STAGES = [stage for profile in PROFILES for stage in profile.stages]
VIEW = View(picture_hw=(24, 24), sensor_px=24.0, render_hw=(24, 24), margin_px=2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(frames: int, side: int = 24) -> torch.Tensor:
    return 0.1 + 0.8 * torch.rand(frames, 3, side, side, generator=generator(7), dtype=torch.float64)


def feed(stage: Stage, frames: int) -> torch.Tensor:
    """What the stage gets: one texture before the pose, padded at it, frames after it."""
    if stage.name in ("sheet", "response"):
        return pixels(1)
    return pixels(1, 28) if stage.name == "pose" else pixels(frames)


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s.name)
def test_severity_0_changes_nothing(stage: Stage) -> None:
    fed = feed(stage, 4)
    out = stage.apply(fed, stage.draw(4, 0.0, generator()), VIEW)
    inner = {"sheet": out[..., 2:-2, 2:-2], "response": to_coded(out), "tone": to_light(out)}.get(stage.name, out)
    expected = fed[..., 2:-2, 2:-2].expand(4, -1, -1, -1) if stage.name == "pose" else fed
    # Powers 2.4 and 1/2.4 are inverse to about 1e-7 because the curve's published constants are rounded.
    torch.testing.assert_close(inner, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s.name)
def test_full_severity_changes_something(stage: Stage) -> None:
    fed = feed(stage, 4)
    neutral = stage.apply(fed, stage.draw(4, 0.0, generator()), VIEW)
    full = [stage.apply(fed, stage.draw(4, 1.0, generator(seed)), VIEW) for seed in range(5)]
    assert max((neutral - one).abs().max() for one in full) > 1e-3


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s.name)
def test_draws_repeat_from_the_seed_and_say_all_that_was_drawn(stage: Stage) -> None:
    one, same, *others = (stage.draw(5, 1.0, generator(seed)) for seed in (1, 1, 2, 3, 4, 5))
    assert one.log() == same.log()
    assert any(one.log() != other.log() for other in others)
    assert json.loads(json.dumps(one.log())) == one.log()
    assert {name: len(values) for name, values in one.log().items()} == {
        name: values.numel() for name, values in one.values.items()
    }
    fed = feed(stage, 5)
    assert torch.equal(stage.apply(fed, one, VIEW), stage.apply(fed, same, VIEW))


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s.name)
def test_gradients_are_those_of_finite_differences(stage: Stage) -> None:
    if stage.name == "codec":
        stage = Codec(quality=Range(low=100, high=100, neutral=100), subsampled=1.0)
    fed = feed(stage, 3).requires_grad_()
    draw = stage.draw(3, 1.0, generator(2))
    if stage.name == "noise":  # its size follows the light without gradient
        draw = Draw("noise", {**draw.values, "shot": torch.zeros(1)})
    weights = torch.randn(stage.apply(fed, draw, VIEW).shape, generator=generator(3), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((stage.apply(fed, draw, VIEW) * weights).sum(), fed)
    assert gradient.isfinite().all()
    direction = torch.randn(fed.shape, generator=generator(4), dtype=torch.float64)
    with torch.no_grad():
        up, down = (stage.apply(fed + sign * 1e-6 * direction, draw, VIEW) for sign in (1, -1))
    numeric = ((up - down) * weights).sum() / 2e-6
    assert (gradient * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-3)


def test_the_sheet_surrounds_the_picture_in_the_drawn_colour() -> None:
    draw = Draw("sheet", {"rgb": torch.tensor([0.25, 0.5, 0.75])})
    out = Sheet().apply(pixels(1), draw, VIEW)
    assert out.shape == (1, 3, 28, 28)
    assert out[0, :, 0, 5].tolist() == out[0, :, 27, 27].tolist() == [0.25, 0.5, 0.75]


def test_the_transfer_curve_is_srgb() -> None:
    coded = torch.tensor([0.0, 0.04, 0.2, 0.5, 1.0], dtype=torch.float64)
    light = torch.tensor([0.0, 0.00309598, 0.03310477, 0.21404114, 1.0], dtype=torch.float64)  # IEC 61966-2-1
    torch.testing.assert_close(to_light(coded), light, atol=1e-8, rtol=0)
    torch.testing.assert_close(to_coded(light), coded, atol=1e-6, rtol=0)


def test_gradients_at_black_and_white_are_finite() -> None:
    x = torch.tensor([0.0, 1.0]).requires_grad_()
    (gradient,) = torch.autograd.grad(to_coded(to_light(x)).sum(), x)
    torch.testing.assert_close(gradient, torch.ones(2), atol=1e-3, rtol=0)


def test_black_and_white_become_what_the_print_has() -> None:
    draw = Draw("response", {"black": torch.tensor([0.05]), "white": torch.tensor([0.77])})
    ends = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    torch.testing.assert_close(Response().apply(ends, draw, VIEW)[0, 0, 0], torch.tensor([0.05, 0.77]))


def light_draw(frames: int, **values: list[float]) -> Draw:
    plain = {
        "exposure": [1.0],
        "colour": [1.0, 1.0, 1.0],
        "slope": [0.0],
        "towards_rad": [0.0],
        "veil": [0.0],
        **values,
    }
    return Draw("light", {n: torch.tensor(v if len(v) > 1 or n == "colour" else v * frames) for n, v in plain.items()})


def test_exposure_doubles_and_the_veil_adds() -> None:
    fed = pixels(1)
    out = Light().apply(fed, light_draw(1, exposure=[2.0], veil=[0.125]), VIEW)
    torch.testing.assert_close(out, 2 * fed + 0.125)


def test_coloured_light_scales_each_channel() -> None:
    fed = pixels(2)
    out = Light().apply(fed, light_draw(2, colour=[0.5, 1.0, 2.0]), VIEW)
    torch.testing.assert_close(out / fed, torch.tensor([0.5, 1, 2]).view(1, 3, 1, 1).expand_as(fed).double())


def test_the_gradient_is_brightest_on_the_side_it_points_to() -> None:
    grey = torch.full((2, 3, 5, 5), 0.5, dtype=torch.float64)
    out = Light().apply(grey, light_draw(2, slope=[0.2], towards_rad=[0.0, math.pi / 2]), VIEW)
    assert out[0, 0, 2, [0, 2, 4]].tolist() == pytest.approx([0.4, 0.5, 0.6], abs=1e-6)
    assert out[1, 0, [0, 2, 4], 2].tolist() == pytest.approx([0.4, 0.5, 0.6], abs=1e-6)


def test_the_kernel_without_blur_is_one_pixel() -> None:
    kernel = blur_kernels(torch.zeros(1), torch.zeros(1), torch.ones(1))[0]
    assert kernel[4, 4] == 1
    assert kernel.sum() == 1


def test_the_gauss_is_opencvs() -> None:
    kernel = blur_kernels(torch.tensor([1.2]), torch.zeros(1), torch.zeros(1))[0].numpy()
    line = cv2.getGaussianKernel(9, 1.2)
    np.testing.assert_allclose(kernel, line @ line.T, atol=1e-6)


@pytest.mark.parametrize(("angle", "axis"), [(0.0, 1), (math.pi / 2, 0)])
def test_motion_smears_along_its_direction_alone(angle: float, axis: int) -> None:
    kernel = blur_kernels(torch.zeros(1), torch.tensor([4.0]), torch.tensor([angle]))[0]
    position = torch.arange(-4.0, 5.0)
    variance = {a: float((kernel.sum(1 - a) * position**2).sum()) for a in (0, 1)}
    assert variance[axis] == pytest.approx(4.0**2 / 12, rel=0.4)  # a uniform stroke of 4
    assert variance[1 - axis] < 0.2


def test_blur_shrinks_with_the_rendered_size() -> None:
    far = View(picture_hw=(24, 24), sensor_px=96.0, render_hw=(24, 24), margin_px=2)
    draw = Draw("blur", {"sigma_px": torch.tensor([2.0]), "motion_px": torch.zeros(1), "along_rad": torch.zeros(1)})
    quarter = Draw("blur", {**draw.values, "sigma_px": torch.tensor([0.5])})
    torch.testing.assert_close(Blur().apply(pixels(1), draw, far), Blur().apply(pixels(1), quarter, VIEW))


def test_noise_has_the_variance_of_its_model() -> None:
    fed = torch.full((1, 3, 200, 200), 0.25, dtype=torch.float64)
    draw = Draw("noise", {"shot": torch.tensor([4e-3]), "read": torch.tensor([0.03]), "seed": torch.tensor([5])})
    noise = Noise().apply(fed, draw, VIEW) - fed
    assert noise.mean().item() == pytest.approx(0, abs=5e-4)
    assert noise.var().item() == pytest.approx(4e-3 * 0.25 + 0.03**2, rel=0.03)


def test_noise_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    Noise().apply(pixels(1), Noise().draw(1, 1.0, generator()), VIEW)
    assert torch.equal(before, torch.get_rng_state())


def test_tone_clips_and_saturation_0_is_grey() -> None:
    bright = torch.full((1, 3, 4, 4), 1.7)
    draw = Draw("tone", {"gamma": torch.ones(1), "saturation": torch.zeros(1)})
    torch.testing.assert_close(Tone().apply(bright, draw, VIEW), torch.ones_like(bright))
    out = Tone().apply(pixels(1), draw, VIEW)
    torch.testing.assert_close(out[:, 0], out[:, 2])


def test_the_quantisation_table_is_libjpegs() -> None:
    """Rows for the luma DC and the last coefficient, as `djpeg -verbose` prints them."""
    assert quantisation_table(_LUMA_TABLE, 50).tolist() == [list(map(float, row)) for row in _LUMA_TABLE]
    assert quantisation_table(_LUMA_TABLE, 75)[0].tolist() == [8, 6, 5, 8, 12, 20, 26, 31]
    assert quantisation_table(_LUMA_TABLE, 25)[0].tolist() == [32, 22, 20, 32, 48, 80, 102, 122]


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_the_codec_is_close_to_a_real_one(quality: int) -> None:
    """Against libjpeg through OpenCV: the surrogate leaves the same picture to within a few levels."""
    smooth = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (61, 67, 3)), (0, 0), 2.0)
    image = np.clip((smooth - smooth.mean()) * 3 + 128, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    real = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=float)[..., ::-1]
    draw = Draw("codec", {"quality": torch.tensor([float(quality)]), "subsampled": torch.ones(1)})
    fed = torch.from_numpy(image.transpose(2, 0, 1)[None] / 255)
    ours = Codec().apply(fed, draw, VIEW)[0].numpy().transpose(1, 2, 0) * 255
    lost = np.abs(real - image).mean()
    assert np.abs(ours - real).mean() < min(2.0, 0.6 * lost)
    assert np.abs(ours - image).mean() == pytest.approx(lost, rel=0.25)


def test_quantisation_passes_gradients_straight_through() -> None:
    fed = (0.4 + 0.2 * pixels(1)).requires_grad_()  # far from the clamp
    draw = Draw("codec", {"quality": torch.tensor([30.0]), "subsampled": torch.zeros(1)})
    (gradient,) = torch.autograd.grad(Codec().apply(fed, draw, VIEW).sum(), fed)
    # Y, Cb, Cr and back is the identity but for the six published decimals.
    torch.testing.assert_close(gradient, torch.ones_like(gradient), atol=1e-4, rtol=0)
