"""The published acceptance for minimal attacks: all succeed, median 1.01, p95 1.02, at every logit scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from misread.attack.base import Kind, Norm, Problem, Threat, execute
from misread.attack.minimal.nearest import Nearest
from misread.attack.minimal.shrink import Shrink
from misread.attack.selftest.oracle import Instance, on_grid
from misread.errors import OptionError


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_real_valued_ratio_to_the_optimum(
    norm: Norm, instance: Instance, optima: dict[str, torch.Tensor], generator: torch.Generator
) -> None:
    medians = []
    for scale in (0.3, 3.0, 30.0):
        outcome = execute(
            Nearest(),
            instance.model(scale),
            instance.images,
            instance.labels,
            threat=Threat(norm=norm, levels=None),
            generator=generator,
        )
        ratio = outcome.size / optima[norm]
        assert outcome.found == 64
        assert ratio.median() <= 1.001
        assert ratio.quantile(0.95) <= 1.002
        assert ratio.min() > 1 - 1e-6
        medians.append(float(ratio.median()))
    assert max(medians) - min(medians) <= 0.005


def test_on_the_grid_linf_is_exact(instance: Instance, generator: torch.Generator) -> None:
    grid = on_grid(instance)
    outcome = execute(Nearest(), grid.model(), grid.images, grid.labels, threat=Threat(), generator=generator)
    assert (outcome.size * 255).round().tolist() == grid.optimum_levels().tolist()


def test_on_the_grid_l2_stays_near_the_real_optimum(instance: Instance, generator: torch.Generator) -> None:
    grid = on_grid(instance)
    outcome = execute(Nearest(), grid.model(), grid.images, grid.labels, threat=Threat(norm="l2"), generator=generator)
    ratio = outcome.size / torch.from_numpy(grid.optimum("l2"))
    assert outcome.found == 64
    assert ratio.median() <= 1.003
    assert ratio.quantile(0.95) <= 1.006


@pytest.mark.parametrize("options", [{"looked_at": 0}, {"targets": 0}, {"walk": 0}, {"starts": 0}, {"steps": 0}])
def test_nothing_to_do_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Nearest(**options)


def test_one_level_ends_the_search(generator: torch.Generator) -> None:
    """An image one level from the boundary leaves the batch: no smaller change exists."""
    image = torch.full((1, 1, 4, 4), 127 / 255)

    def model(x: torch.Tensor) -> torch.Tensor:
        bright = x.mean((1, 2, 3)) - 127.5 / 255
        return torch.stack([-bright, bright], 1)

    outcome = execute(Nearest(), model, image, torch.zeros(1, dtype=torch.int64), threat=Threat(), generator=generator)
    assert outcome.size.item() == pytest.approx(1 / 255)
    assert outcome.backwards.item() < 10


@dataclass(frozen=True)
class FromAfar:
    """The shrinking walk alone, from the far wall."""

    name: ClassVar[str] = "from afar"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("l1",)

    def propose(self, problem: Problem) -> torch.Tensor:
        delta = 1 - problem.images
        return problem.images + Shrink().walk(problem, problem.open(), delta, problem.ball.size(delta.flatten(1)))


def test_l1_comes_back_from_far_beyond_the_boundary(generator: torch.Generator) -> None:
    """A twentieth of the change is enough; forty steps that shorten it by at most a tenth do not come so far."""
    image = torch.full((1, 1, 8, 8), 51 / 255)
    instance = Instance(np.stack([np.zeros(64), np.linspace(0.5, 1.0, 64)]), np.zeros(2), image, torch.zeros(1).long())
    instance.bias[0] = float(instance.weight[1].sum()) * 0.2 + 2.0
    outcome = execute(
        FromAfar(),
        instance.model(),
        instance.images,
        instance.labels,
        threat=Threat(norm="l1", levels=None),
        generator=generator,
    )
    assert outcome.size.item() <= float(instance.optimum("l1")[0]) * 1.1
