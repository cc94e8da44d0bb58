"""The geometry of sparse changes: projection on l1 ball and box, the far end of a ball, and the sparse step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from misread.attack.balls.l1 import L1
from misread.attack.base import Threat, execute
from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.gradient.sparse import sparse_unit
from misread.attack.project import BALLS, Ball, ball_of, room_along

if TYPE_CHECKING:
    from misread.attack.base import Attack
    from misread.attack.selftest.oracle import Instance


@pytest.mark.parametrize("radius", [0.5, 3.0, 9.0, 40.0])
def test_the_projection_is_the_nearest_point_of_ball_and_box(radius: float) -> None:
    """Its threshold, found by a fine search in float64, is the only one that fits."""
    random = np.random.default_rng(3)
    clean, delta = random.random((20, 60)).round(1), random.normal(size=(20, 60))
    found = L1().project_box(torch.from_numpy(delta), torch.from_numpy(clean), radius).numpy()
    room = np.where(delta > 0, 1 - clean, clean)
    for v, c, got in zip(delta, room, found, strict=True):
        low, high = 0.0, np.abs(v).max()
        for _ in range(80):
            middle = (low + high) / 2
            long = np.clip(np.abs(v) - middle, 0, c).sum() > radius
            low, high = (middle, high) if long else (low, middle)
        threshold = high if np.minimum(np.abs(v), c).sum() > radius else 0.0
        assert got == pytest.approx(np.sign(v) * np.clip(np.abs(v) - threshold, 0, c), abs=1e-9)


def test_the_projection_stays_inside_in_single_precision() -> None:
    random = np.random.default_rng(4)
    clean, delta = random.random((8, 5000)).astype(np.float32), random.normal(size=(8, 5000)).astype(np.float32)
    found = L1().project_box(torch.from_numpy(delta), torch.from_numpy(clean), 12.0)
    assert L1().size(found).numpy() == pytest.approx(np.full(8, 12.0), rel=1e-5)
    assert ((torch.from_numpy(clean) + found - 0.5).abs() <= 0.5 + 1e-6).all()


@pytest.mark.parametrize("ball", [*BALLS, ball_of("l0", 3)], ids=lambda ball: f"{ball.name}")
def test_the_far_end_is_what_reach_comes_back_from(ball: Ball) -> None:
    """No way of that gain is shorter, so the far end of a ball is the shortest way to its own gain."""
    random = np.random.default_rng(5)
    normal = torch.from_numpy(random.normal(size=(20, 48)) * (random.random((20, 48)) > 0.2))
    room = room_along(normal, torch.from_numpy(random.random((20, 48)).round(1)))
    for radius in (1.0, 5.0) if ball.name == "l0" else (0.02, 0.3, 1.5):
        delta = ball.farthest(normal, radius, room)
        assert (ball.size(delta) <= radius * (1 + 1e-12)).all()
        assert (delta * normal.sign() <= room + 1e-12).all()
        gain = (normal * delta).sum(1) * (1 - 1e-12)
        assert torch.allclose(ball.size(ball.reach(normal, gain, room)), ball.size(delta), rtol=1e-9)


def test_room_for_all_is_room_for_all() -> None:
    normal, room = torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([[0.5, 0.25, 0.0]])
    for ball in BALLS:
        assert ball.farthest(normal, 1.0 if ball.name == "linf" else 9.0, room).tolist() == [[0.5, -0.25, 0.0]]


def test_the_sparse_step_moves_the_steepest_that_can_move() -> None:
    gradient = torch.tensor([[4.0, -3.0, 2.0, -1.0, 0.0]])
    point = torch.tensor([[0.5, 1.0, 0.5, 0.5, 0.5]])
    assert sparse_unit(gradient, point, torch.tensor([0.4])).tolist() == [[-0.5, 0.0, -0.5, 0.0, 0.0]]
    assert sparse_unit(gradient, point, torch.tensor([0.0])).tolist() == [[-1.0, 0.0, 0.0, 0.0, 0.0]]
    assert sparse_unit(gradient, point, torch.tensor([1.0]))[0].tolist() == pytest.approx([-1 / 3, 0, -1 / 3, 1 / 3, 0])
    assert sparse_unit(torch.zeros(1, 5), point, torch.tensor([0.4])).tolist() == [[0.0] * 5]


def test_the_walk_narrows_and_ends_inside(grid_instance: Instance, generator: torch.Generator) -> None:
    """Gradients are asked at up to three, two and one radius for 30, 30 and 40 of 100 steps."""
    lengths: list[float] = []
    classifier, clean = grid_instance.model(), grid_instance.images[:1]

    def model(x: torch.Tensor) -> torch.Tensor:
        if x.requires_grad:
            lengths.append(float((x.detach() - clean).abs().sum()))
        logits: torch.Tensor = classifier(x).double() + torch.tensor([[1e3] + [0.0] * 9])
        return logits

    threat = Threat(norm="l1", eps=4.0, levels=None)
    label = torch.zeros(1, dtype=torch.int64)
    outcome = execute(Apgd(), model, clean, label, threat=threat, generator=generator)
    assert outcome.backwards.tolist() == [100]
    for part, factor in ((lengths[:30], 3), (lengths[30:60], 2), (lengths[60:], 1)):
        assert max(part) == pytest.approx(4.0 * factor, rel=1e-4)


@pytest.mark.parametrize(
    ("attack", "number"),
    [(Apgd(steps=40), 0), (Apgd(steps=40, restarts=5), 4), (ApgdTargeted(steps=40), 4)],
    ids=["one run", "restarts", "targets"],
)
def test_later_runs_and_targets_reach_what_a_margin_alone_misses(
    attack: Attack, number: int, instance: Instance, optima: dict[str, torch.Tensor]
) -> None:
    """The nearest class in l1 is often not the likeliest; these four images are led astray."""
    found = 0
    for row in (20, 25, 62, 63):
        outcome = execute(
            attack,
            instance.model(),
            instance.images[row : row + 1],
            instance.labels[row : row + 1],
            threat=Threat(norm="l1", eps=float(optima["l1"][row]) * 1.02, levels=None),
            generator=torch.Generator().manual_seed(0),
        )
        found += outcome.found
    assert found == number
