"""The torch path through resize and crop is the device's path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from misread.attack.space import FileView
from misread.attack.speed.layout import ChannelsLast
from misread.card import ModelCard
from misread.pixels import fit, to_unit

PICTURES = {"landscape": (61, 97), "portrait": (90, 50), "small": (12, 16), "same": (32, 32)}
CARDS: dict[str, dict[str, Any]] = {
    "squash": {},
    "crop": {"resize": "crop", "resize_px": 36},
    "letterbox": {"resize": "letterbox"},
    "letterbox on black": {"resize": "letterbox", "pad_level": 0, "interpolation": "bicubic", "size_hw": (30, 41)},
    "grey letterbox": {"resize": "letterbox", "colour": "grey", "mean": (0.0,), "std": (1.0,)},
    "bicubic": {"interpolation": "bicubic"},
    "area": {"interpolation": "area", "resize": "crop", "resize_px": 32},
    "aliased": {"antialias": False},
    "grey": {"colour": "grey", "mean": (0.0,), "std": (1.0,)},
}


@pytest.mark.parametrize("size_hw", PICTURES.values(), ids=PICTURES.keys())
@pytest.mark.parametrize("flags", CARDS.values(), ids=CARDS.keys())
def test_the_prepared_picture_is_the_devices(flags: dict[str, Any], size_hw: tuple[int, int]) -> None:
    card = ModelCard(labels=("a", "b"), **{"size_hw": (32, 32), **flags})
    picture = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    view = FileView(torch.nn.Identity(), card, size_hw)
    seen = view.prepared(torch.from_numpy(to_unit(picture[None])))
    expected = to_unit(fit(picture, card)[None], channels=card.channels)
    difference = np.abs(seen.numpy() - expected) * 255
    assert difference.max() <= 1.001  # a sum that ends on a half may round either way
    assert (difference > 0.5).mean() < 0.01


@pytest.mark.parametrize("mode", ["squash", "crop", "letterbox"])
def test_of_any_size_by_any_kernel_it_is_the_devices_within_one_level(mode: str) -> None:
    rng = np.random.default_rng(0)
    for at in range(350):
        kernel, antialias = ("bilinear", "bicubic", "nearest", "area")[at % 4], bool(rng.random() < 0.7)
        sides = [int(300 ** rng.random()) for _ in range(4)]
        more: dict[str, Any] = {"resize_px": max(sides[2:]) + int(rng.integers(0, 20))} if mode == "crop" else {}
        card = ModelCard(
            labels=("a", "b"),
            size_hw=(sides[2], sides[3]),
            resize=mode,  # type: ignore[arg-type]
            interpolation=kernel,  # type: ignore[arg-type]
            antialias=antialias,
            **more,
        )
        picture = np.where(rng.random((sides[0], sides[1], 3)) < 0.5, 0, 255).astype(np.uint8)
        view = FileView(torch.nn.Identity(), card, (sides[0], sides[1]))
        seen = view.prepared(torch.from_numpy(to_unit(picture[None]))).numpy() * 255
        assert np.abs(seen - to_unit(fit(picture, card)[None]) * 255).max() <= 1.001, (sides, card)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "nearest", "area"])
@pytest.mark.parametrize("mode", ["squash", "crop", "letterbox"])
@pytest.mark.parametrize("size_hw", [(9, 5), (5, 9), (40, 7)])
def test_the_gradient_is_that_of_finite_differences(
    kernel: Any, mode: Any, size_hw: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("misread.attack.space._rounded", lambda x: x)  # steps have no differences
    resize_px = 7 if mode == "crop" else None
    card = ModelCard(labels=("a", "b"), size_hw=(6, 4), resize=mode, resize_px=resize_px, interpolation=kernel)
    view = FileView(torch.nn.Flatten(), card, size_hw).double()
    point = torch.rand(1, 3, *size_hw, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inside = (0.3 + 0.4 * point).requires_grad_()  # far from the ends, where it is clipped
    assert torch.autograd.gradcheck(view, (inside,))


def test_what_is_cut_away_and_what_is_padding_has_no_gradient() -> None:
    def gradient(size_hw: tuple[int, int], **geometry: Any) -> torch.Tensor:
        card = ModelCard(labels=("a", "b"), size_hw=(8, 8), **geometry)
        point = torch.full((1, 3, *size_hw), 0.5, requires_grad=True)
        (found,) = torch.autograd.grad(FileView(torch.nn.Flatten(), card, size_hw)(point).sum(), point)
        return found

    cropped = gradient((8, 24), resize="crop", resize_px=8)
    assert cropped[..., 8:16].min() == 1
    assert cropped[..., :8].abs().max() == cropped[..., 16:].abs().max() == 0
    assert gradient((8, 24), resize="letterbox").sum().item() == pytest.approx(3 * 3 * 8)  # three rows of eight


def test_the_gradient_passes_the_rounding() -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(4, 4))
    view = FileView(torch.nn.Flatten(), card, (8, 8))
    point = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(view(point).sum(), point)
    assert gradient.sum().item() == pytest.approx(48)  # 48 outputs, each an average


def test_channels_last_changes_the_layout_and_no_value() -> None:
    with torch.random.fork_rng():
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten())
    x = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    expected = net(x)
    assert torch.allclose(ChannelsLast(net)(x), expected, atol=1e-6)


class _Flattening(torch.nn.Module):
    """As many networks do: `view` refuses the channels-last layout of what a convolution gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(x)
        return made.view(len(x), -1)


def test_a_network_that_flattens_with_view_runs_in_the_usual_layout() -> None:
    with torch.random.fork_rng():
        net = _Flattening()
    x = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    expected = net(x)
    wrapped = ChannelsLast(net)
    for _ in range(2):
        assert torch.allclose(wrapped(x), expected, atol=1e-6)
    torch.autograd.grad(wrapped(x).sum(), x)
    with pytest.raises(RuntimeError, match="channels"):
        wrapped(torch.zeros(1, 5, 6, 6))


def test_weights_of_five_axes_run_in_the_usual_layout() -> None:
    net = torch.nn.Sequential(torch.nn.Unflatten(1, (1, 3)), torch.nn.Conv3d(1, 2, 3), torch.nn.Flatten())
    assert ChannelsLast(net)(torch.zeros(1, 3, 6, 6)).shape == (1, 32)
