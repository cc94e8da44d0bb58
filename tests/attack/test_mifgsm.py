from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from misread.attack.base import Threat, execute
from misread.attack.gradient.mifgsm import MiFgsm
from misread.attack.selftest.oracle import Instance, two_class
from misread.errors import OptionError, UnknownName


@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"restarts": 0}, {"decay": -0.1}, {"decay": math.nan}, {"decay": math.inf}]
)
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="got"):
        MiFgsm(**options)  # type: ignore[arg-type]


def test_an_unknown_loss_is_suggested() -> None:
    with pytest.raises(UnknownName, match="margin"):
        MiFgsm(loss="margn")


class Bowl:
    """Logits (0, -1 - sum a (x - c)^2), never misread, whose gradient turns round at c. It keeps what it was asked."""

    start = np.array([0.5, 0.5, 0.5, 0.96])
    centre = np.array([0.62, 0.513, 0.45, 1.2])
    factor = np.array([1.0, 30.0, 4.0, 0.5])

    def __init__(self, scale: float) -> None:
        self.slope, self.asked = 2 * self.factor * scale, list[list[float]]()

    def __call__(self, x: Tensor) -> Tensor:
        away = x.flatten(1) - torch.from_numpy(self.centre)
        self.asked.append(x.flatten().tolist())
        low = -1 - (torch.from_numpy(self.slope / 2) * away.square()).sum(1)
        return torch.stack([torch.zeros_like(low), low], 1)


@pytest.mark.parametrize("scale", [1.0, 1e-15])
@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_the_points_are_those_of_the_paper(decay: float, scale: float, generator: torch.Generator) -> None:
    model, steps, eps = Bowl(scale), 10, 0.1
    execute(
        MiFgsm(steps=steps, decay=decay),
        model,
        torch.from_numpy(Bowl.start).view(1, 1, 2, 2),
        torch.zeros(1, dtype=torch.int64),
        threat=Threat(eps=eps, levels=None),
        generator=generator,
    )
    x, velocity, expected = Bowl.start, np.zeros(4), []
    for _ in range(steps + 1):
        expected.append(x)
        gradient = model.slope * (x - Bowl.centre)
        velocity = decay * velocity + gradient / np.abs(gradient).mean()
        moved = np.clip(x - eps / steps * np.sign(velocity), Bowl.start - eps, Bowl.start + eps)
        x = np.clip(moved, 0, 1)
    assert np.allclose(model.asked[1 : steps + 2], expected, atol=1e-9)


def test_no_gradient_is_no_nan(generator: torch.Generator) -> None:
    """Dividing by a mean of 0 would propose NaN."""
    asked = []

    def flat(x: Tensor) -> Tensor:
        asked.append(x.detach().clone())
        return torch.tensor([[1.0, 0.0]]) + 0 * x.sum((1, 2, 3))[:, None]

    images = torch.full((1, 1, 2, 2), 128 / 255)
    outcome = execute(
        MiFgsm(), flat, images, torch.zeros(1, dtype=torch.int64), threat=Threat(eps=8 / 255), generator=generator
    )
    assert (outcome.refused.tolist(), outcome.zero_gradients.tolist(), outcome.found) == ([0], [10], 0)
    assert all(torch.equal(x, images) for x in asked)


def test_momentum_carries_across_a_plateau(generator: torch.Generator) -> None:
    """Between 130.1 and 131.9 levels there is no gradient; a NaN from there would end the run without a word."""

    def model(x: Tensor) -> Tensor:
        level = 255 * x.flatten(1).mean(1)
        return torch.stack([torch.full_like(level, 265.5), level.clamp(max=130.1) + level.clamp(min=131.9)], 1)

    images = torch.full((1, 1, 2, 2), 128 / 255)
    outcome = execute(
        MiFgsm(), model, images, torch.zeros(1, dtype=torch.int64), threat=Threat(eps=8 / 255), generator=generator
    )
    assert (outcome.found, outcome.zero_gradients.tolist()) == (1, [2])


def test_finished_images_cost_no_more_passes(grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        MiFgsm(),
        grid_instance.model(),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=11 / 255),
        generator=generator,
    )
    assert 0 < outcome.found < 24
    assert outcome.backwards[outcome.success].min() < 10
    assert set(outcome.backwards[~outcome.success].tolist()) == {10}


def test_later_restarts_try_the_next_classes_until_none_is_left(generator: torch.Generator) -> None:
    instance = two_class(20.0)
    outcome = execute(
        MiFgsm(restarts=5),
        instance.model(),
        instance.images,
        instance.labels,
        threat=Threat(eps=8 / 255),
        generator=generator,
    )
    assert (outcome.found, outcome.backwards.tolist()) == (0, [10])


def test_a_second_run_finds_the_nearer_class(
    instance: Instance, optima: dict[str, torch.Tensor], generator: torch.Generator
) -> None:
    found = [
        execute(
            MiFgsm(restarts=restarts),
            instance.model(),
            instance.images[61:62],
            instance.labels[61:62],
            threat=Threat(eps=float(optima["linf"][61]) * 1.02, levels=None),
            generator=generator,
        ).found
        for restarts in (1, 5)
    ]
    assert found == [0, 1]
