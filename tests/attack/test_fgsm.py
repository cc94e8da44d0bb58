from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from misread.attack.base import Threat, execute
from misread.attack.gradient.fgsm import Fgsm
from misread.attack.selftest.oracle import Instance, two_class
from misread.errors import OptionError, UnknownName


@pytest.mark.parametrize("options", [{"restarts": 0}, {"restarts": math.nan}])
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="got"):
        Fgsm(**options)  # type: ignore[arg-type]


def test_an_unknown_loss_is_suggested() -> None:
    with pytest.raises(UnknownName, match="margin"):
        Fgsm(loss="margn")


def _pairs(instance: Instance) -> list[Instance]:
    """Each image with two classes alone: its own and the next."""
    pairs = []
    for row, label in enumerate(instance.labels.tolist()):
        both = [label, (label + 1) % 10]
        part = slice(row, row + 1)
        label_0 = torch.zeros(1, dtype=torch.int64)
        pairs.append(Instance(instance.weight[both], instance.bias[both], instance.images[part], label_0))
    return pairs


@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("loss", ["margin", "ce"])
def test_between_two_classes_the_boundary_is_exact(
    scale: float, loss: str, instance: Instance, generator: torch.Generator
) -> None:
    """Cross-entropy as usually written has no gradient at scale 30: then the sign is wrong."""
    for pair in _pairs(instance)[:20]:
        found = [
            execute(
                Fgsm(loss=loss),
                pair.model(scale),
                pair.images,
                pair.labels,
                threat=Threat(eps=float(pair.optimum("linf")[0]) * factor, levels=None),
                generator=generator,
            ).found
            for factor in (0.99, 1.01)
        ]
        assert found == [0, 1]


def test_every_value_goes_to_its_corner(generator: torch.Generator) -> None:
    """Against the gradient of the margin, cut by the box; a value that the model does not look at stays."""
    weight = np.array([[0.0, 0.0, 0.0, 0.0], [2.0, -0.1, 0.0, 3.0]])
    images = torch.tensor([100.0, 100.0, 100.0, 250.0]).view(1, 1, 2, 2) / 255
    instance = Instance(weight, np.array([3.77, 0.0]), images, torch.zeros(1, dtype=torch.int64))
    outcome = execute(
        Fgsm(),
        instance.model(),
        images,
        instance.labels,
        threat=Threat(eps=8 / 255),
        generator=generator,
    )
    assert (outcome.images * 255).round().flatten().tolist() == [108, 92, 100, 255]
    assert (outcome.forwards.tolist(), outcome.backwards.tolist()) == ([2], [1])


def test_later_restarts_try_the_next_classes(
    instance: Instance, optima: dict[str, torch.Tensor], generator: torch.Generator
) -> None:
    """The runner-up by logit is not the nearest class of image 61."""
    found = [
        execute(
            Fgsm(restarts=restarts),
            instance.model(),
            instance.images[61:62],
            instance.labels[61:62],
            threat=Threat(eps=float(optima["linf"][61]) * 1.02, levels=None),
            generator=generator,
        ).found
        for restarts in (1, 5)
    ]
    assert found == [0, 1]


def test_restarts_end_with_the_classes(generator: torch.Generator) -> None:
    instance = two_class(20.0)
    outcome = execute(
        Fgsm(restarts=5),
        instance.model(),
        instance.images,
        instance.labels,
        threat=Threat(eps=8 / 255),
        generator=generator,
    )
    assert (outcome.found, outcome.backwards.tolist()) == (0, [1])


def test_a_finished_image_is_not_stepped_again(grid_instance: Instance, generator: torch.Generator) -> None:
    outcome = execute(
        Fgsm(restarts=3),
        grid_instance.model(),
        grid_instance.images,
        grid_instance.labels,
        threat=Threat(eps=9 / 255),
        generator=generator,
    )
    assert 0 < outcome.found < 24
    assert outcome.backwards[outcome.success].min() == 1
    assert set(outcome.backwards[~outcome.success].tolist()) == {3}
