"""FAB beside the closed form; the contract test holds it to the optimum at every scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from misread.attack.base import Norm, Threat, execute
from misread.attack.minimal.fab import Fab
from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.attack.selftest.oracle import Instance


@pytest.mark.parametrize("options", [{"steps": 0}, {"targets": 0}, {"looked_at": 0}, {"restarts": 0}])
def test_nothing_to_do_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Fab(**options)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_curved_boundary_is_met_where_it_is_nearest(norm: Norm, generator: torch.Generator) -> None:
    """Misread outside a circle around another point than the clean image, whose gradient points elsewhere at first."""
    image = torch.tensor([0.5, 0.5], dtype=torch.float64).view(1, 1, 1, 2)
    centre = torch.tensor([0.45, 0.42], dtype=torch.float64)

    def model(x: torch.Tensor) -> torch.Tensor:
        away = (x.flatten(1) - centre).square().sum(1) - 0.04
        return torch.stack([torch.zeros_like(away), away], 1)

    outcome = execute(
        Fab(),
        model,
        image,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm=norm, levels=None),
        generator=generator,
    )
    turn = torch.linspace(0, 2 * torch.pi, 20001, dtype=torch.float64)
    ways = centre + 0.2 * torch.stack([turn.cos(), turn.sin()], 1) - image.flatten()
    best = {"linf": ways.abs().amax(1), "l2": ways.norm(dim=1), "l1": ways.abs().sum(1)}[norm].min()
    assert outcome.found == 1
    assert float(best) * (1 - 1e-4) <= outcome.size.item() <= float(best) * 1.003


def test_later_runs_start_elsewhere_and_keep_the_best(grid_instance: Instance) -> None:
    sizes = []
    for restarts in (1, 3):
        outcome = execute(
            Fab(steps=4, restarts=restarts),
            grid_instance.model(),
            grid_instance.images[:6],
            grid_instance.labels[:6],
            threat=Threat(norm="l2"),
            generator=torch.Generator().manual_seed(0),
        )
        sizes.append(outcome.size)
    assert (sizes[1] <= sizes[0]).all()


def test_no_gradient_is_no_step(generator: torch.Generator) -> None:
    image = torch.full((1, 1, 2, 2), 0.5)
    asked: list[torch.Tensor] = []

    def flat(x: torch.Tensor) -> torch.Tensor:
        asked.append(x.detach().clone())
        return torch.tensor([[1.0, 0.0]]) + 0 * x.sum((1, 2, 3))[:, None]

    outcome = execute(
        Fab(steps=3),
        flat,
        image,
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(norm="l2", levels=None),
        generator=generator,
    )
    assert outcome.found == 0
    assert all(torch.equal(x, image) for x in asked)
