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
