"""The shortest way to a half-space inside a box, against the independent oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from misread.attack.objective import LOSSES
from misread.attack.project import BALLS, Ball, ball_of, room_along
from misread.attack.selftest import oracle
from misread.errors import OptionError, UnknownName


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.name)
def test_reach_is_the_exact_optimum(ball: Ball) -> None:
    random = np.random.default_rng(0)
    normal = random.normal(size=(20, 50)) * (random.random((20, 50)) > 0.2)
    images = random.random((20, 50)).round(1)
    room = np.where(normal > 0, 1 - images, np.where(normal < 0, images, 0))
    deficit = 0.7 * (np.abs(normal) * room).sum(1) * random.random(20)
    delta = ball.reach(*(torch.from_numpy(value) for value in (normal, deficit, room)))
    solve = oracle.DISTANCES[ball.name]
    best = [solve(np.abs(w), r, d) for w, r, d in zip(normal, room, deficit, strict=True)]
    assert ball.size(delta).numpy() == pytest.approx(np.array(best), rel=1e-9)
    assert (torch.from_numpy(normal) * delta).sum(1).numpy() == pytest.approx(deficit, rel=1e-9)
    moved = torch.from_numpy(images) + delta
    assert moved.min() >= -1e-12
    assert moved.max() <= 1 + 1e-12


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.name)
def test_out_of_reach_moves_all_that_can_move(ball: Ball) -> None:
    normal, room = torch.tensor([[1.0, -2.0, 0.0]]).double(), torch.tensor([[0.5, 0.25, 0.0]]).double()
    assert ball.reach(normal, torch.tensor([9.0]).double(), room).tolist() == [[0.5, -0.25, 0.0]]


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.name)
def test_a_zero_gradient_gives_a_zero_step(ball: Ball) -> None:
    assert ball.unit(torch.zeros(2, 5)).tolist() == [[0.0] * 5] * 2


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.name)
def test_units_have_size_1_even_when_tiny(ball: Ball) -> None:
    gradient = torch.tensor([[1e-30, -2e-30, 0.0]])
    assert ball.size(ball.unit(gradient)).item() == pytest.approx(1)


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.name)
def test_projections_and_samples_lie_inside(ball: Ball) -> None:
    draw = torch.rand(50, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert (ball.size(ball.sample(draw, 3.0)) <= 3 + 1e-6).all()
    projected = ball.project(draw, 2.0)
    assert (ball.size(projected) <= 2.0 * (1 + 1e-6)).all()
    assert torch.allclose(ball.project(projected, 2.0), projected, atol=1e-6)


def test_an_unknown_norm_is_named() -> None:
    with pytest.raises(UnknownName, match="linf"):
        ball_of("l3")


def test_room_ends_at_the_box() -> None:
    assert room_along(torch.tensor([1.0, -1.0, 0.0]), torch.full((3,), 0.25)).tolist() == [0.75, 0.25, 0.0]


def test_no_loss_fades_at_a_large_gap() -> None:
    logits = torch.tensor([[60.0, 0.0, -1.0, -2.0]], requires_grad=True)
    wanted = torch.tensor([[False, True, True, True]])
    for loss in LOSSES:
        (gradient,) = torch.autograd.grad(loss(logits, wanted).sum(), logits)
        assert gradient.abs().max() > 1e-4, loss.name


def test_dlr_refuses_two_classes() -> None:
    dlr = next(loss for loss in LOSSES if loss.name == "dlr")
    with pytest.raises(OptionError, match="needs 3 classes, the model has 2; use margin"):
        dlr(torch.zeros(1, 2), torch.tensor([[False, True]]))


def test_the_l1_projection_is_the_nearest_point() -> None:
    """No point of the ball is nearer: the residual makes an obtuse angle with every way to a vertex of the ball."""
    draw = torch.randn(20, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2
    projected = ball_of("l1").project(draw, 1.5)
    vertices = torch.cat([torch.eye(12), -torch.eye(12)]).double() * 1.5
    angles = torch.einsum("nd,nvd->nv", draw - projected, vertices[None] - projected[:, None])
    assert (angles <= 1e-9).all()


def test_l0_counts_pixels_however_many_channels_change() -> None:
    delta = torch.zeros(1, 3, 2, 2)
    delta[0, :, 0, 0], delta[0, 2, 1, 1] = torch.tensor([0.1, 0.2, 0.3]), 0.5
    ball = ball_of("l0", channels=3)
    assert ball.size(delta.flatten(1)).tolist() == [2]
    kept = ball.project(delta.flatten(1), 1).view_as(delta)
    assert kept[0, 2, 1, 1] == 0.5
    assert not kept[0, :, 0, 0].any()
