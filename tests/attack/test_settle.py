"""Promise 3: what leaves an attack is what a file can hold."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.attack.base import Norm, Threat, settle


def _images(levels: list[int]) -> torch.Tensor:
    return torch.tensor(levels, dtype=torch.float32).view(1, 1, 1, -1) / 255


def _levels(images: torch.Tensor) -> list[int]:
    return [round(value) for value in (images.double() * 255).flatten().tolist()]


def test_every_grey_value_moves_by_the_full_8_levels_either_way() -> None:
    clean = _images(list(range(256)))
    for sign in (1, -1):
        settled = settle(clean, clean + sign * 8 / 255, threat=Threat(eps=8 / 255))
        assert _levels(settled.images) == [min(max(level + sign * 8, 0), 255) for level in range(256)]


def test_a_budget_off_the_grid_is_not_left() -> None:
    clean = _images([100] * 4)
    settled = settle(clean, clean + 0.99, threat=Threat(eps=7.6 / 255))
    assert _levels(settled.images) == [107] * 4


def test_rounding_goes_to_the_nearest() -> None:
    clean = _images([100] * 4)
    proposal = clean + torch.tensor([0.4, 0.6, -0.4, -0.6]).view(1, 1, 1, -1) / 255
    assert _levels(settle(clean, proposal, threat=Threat(eps=4 / 255)).images) == [100, 101, 100, 99]


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_refuses_its_row_alone(poison: float) -> None:
    clean = torch.full((2, 1, 2, 2), 100 / 255)
    proposal = clean + 2 / 255
    proposal[1, 0, 0, 0] = poison
    settled = settle(clean, proposal, threat=Threat(eps=4 / 255))
    assert settled.refused.tolist() == [False, True]
    assert torch.equal(settled.images[1], clean[1])
    assert settled.size.tolist() == pytest.approx([2 / 255, 0])


def test_the_mask_holds() -> None:
    clean = torch.full((1, 3, 4, 4), 0.2)
    clean = (clean * 255).round() / 255
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 1:3, 1:3] = True
    changed = settle(clean, clean + 0.1, threat=Threat(eps=8 / 255), mask=mask).images != clean
    assert torch.equal(changed, mask.expand_as(clean))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["linf", "l2"]),
    st.floats(1 / 255, 0.9),
    st.floats(0.0, 3.0),
)
def test_inside_ball_box_and_grid_whatever_is_proposed(seed: int, norm: Norm, eps: float, reach: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    clean = (torch.rand(3, 3, 5, 5, generator=generator) * 255).round() / 255
    proposal = clean + torch.randn(clean.shape, generator=generator) * reach
    settled = settle(clean, proposal, threat=Threat(norm=norm, eps=eps))
    levels = settled.images.double() * 255
    assert (levels - levels.round()).abs().max() < 1e-4
    assert settled.images.min() >= 0
    assert settled.images.max() <= 1
    whole = (levels.round() - (clean.double() * 255).round()).flatten(1)
    size = whole.abs().amax(1) if norm == "linf" else whole.norm(dim=1)
    assert (size <= 255 * eps * (1 + 1e-6)).all()
    assert torch.allclose(size / 255, settled.size)


def test_l2_steps_back_no_further_than_it_must() -> None:
    """Ten values of 1.6 levels have length 5.06; rounded to 2 they have 6.32, and one step at a time leads back."""
    clean = _images([100] * 10)
    settled = settle(clean, clean + 1.6 / 255, threat=Threat(norm="l2", eps=1.6 * math.sqrt(10) / 255))
    moved = sorted(level - 100 for level in _levels(settled.images))
    assert moved == [1] * 5 + [2] * 5  # 25 <= 25.6; one step less would be 28


def test_real_values_stay_real() -> None:
    clean = _images([100] * 4)
    settled = settle(clean, clean + 0.3 / 255, threat=Threat(eps=0.2 / 255, levels=None))
    assert settled.size.item() == pytest.approx(0.2 / 255, rel=1e-4)
