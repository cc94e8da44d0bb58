from __future__ import annotations

import math

import pytest
import torch

from misread.attack.base import Threat, execute
from misread.attack.gradient.pgd import Pgd
from misread.attack.objective import LOSSES
from misread.attack.selftest.oracle import Instance, two_class
from misread.errors import OptionError, UnknownName


@pytest.mark.parametrize("options", [{"steps": 0}, {"restarts": 0}, {"step": 0.0}, {"step": math.nan}])
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="got"):
        Pgd(**options)  # type: ignore[arg-type]


def test_an_unknown_loss_is_suggested() -> None:
    with pytest.raises(UnknownName, match="margin"):
        Pgd(loss="margn")


@pytest.mark.parametrize("loss", [loss.name for loss in LOSSES])
def test_every_loss_works(loss: str, grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        Pgd(loss=loss),
        grid_instance.model(30.0),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=20 / 255),
        generator=generator,
    )
    assert outcome.found == 24


def test_the_last_iterate_is_scored(generator: torch.Generator) -> None:
    """One step and no random start: whoever scores before stepping returns the clean image."""
    instance = two_class(5.0)
    outcome = execute(
        Pgd(steps=1, step=1.0),
        instance.model(),
        instance.images,
        instance.labels,
        threat=Threat(eps=8 / 255),
        generator=generator,
    )
    assert (outcome.found, outcome.backwards.tolist(), outcome.forwards.tolist()) == (1, [1], [2])


def test_finished_images_cost_no_more_passes(grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        Pgd(steps=50),
        grid_instance.model(),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=11 / 255),
        generator=generator,
    )
    assert 0 < outcome.found < 24
    assert outcome.backwards[outcome.success].max() < 50
    assert outcome.backwards[~outcome.success].min() == 50


def _starts(images: torch.Tensor, seed: int) -> list[torch.Tensor]:
    """Random starts of three runs; a model with no gradient leaves every run where it began."""
    seen: list[torch.Tensor] = []

    def flat(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach().clone())
        return torch.stack([torch.ones(len(x)), torch.zeros(len(x))], 1) + 0 * x.sum((1, 2, 3))[:, None]

    torch.rand(3)  # the global state must not matter
    outcome = execute(
        Pgd(steps=1, restarts=3, random_start=True),
        flat,
        images,
        torch.zeros(len(images), dtype=torch.int64),
        threat=Threat(eps=16 / 255),
        generator=torch.Generator().manual_seed(seed),
    )
    assert outcome.zero_gradients.tolist() == [3] * len(images)
    return seen[1:7:2]  # between them lie the offers


TWO = torch.tensor([128.0, 64.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4) / 255


def test_restarts_differ_and_are_drawn_per_image() -> None:
    starts = [run - TWO for run in _starts(TWO, 0)]
    assert len({tuple(row.flatten().tolist()) for run in starts for row in run}) == 6


def test_draws_come_from_the_generator_alone() -> None:
    first, again, other = (torch.stack(_starts(TWO, seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_draws_of_an_image_do_not_depend_on_its_neighbours() -> None:
    together, alone = torch.stack(_starts(TWO, 0)), torch.stack(_starts(TWO[1:], 0))
    assert torch.equal(together[:, 1:], alone)


def test_a_success_that_rounding_takes_away_is_counted_and_is_none() -> None:
    """Three values of 0.7 levels are enough in real numbers; of whole levels only a longer change is."""
    instance = two_class(0.7, values=3)
    outcome = execute(
        Pgd(),
        instance.model(),
        instance.images[:1],
        instance.labels[:1],
        threat=Threat(norm="l2", eps=1.5 / 255),
        generator=torch.Generator().manual_seed(0),
    )
    assert outcome.proposed.tolist() == [True]
    assert outcome.success.tolist() == [False]


def test_a_success_is_a_proposal_too(grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        Pgd(),
        grid_instance.model(),
        grid_instance.images[:6],
        grid_instance.labels[:6],
        threat=Threat(eps=0.3),
        generator=generator,
    )
    assert outcome.success.all()
    assert outcome.proposed.all()
