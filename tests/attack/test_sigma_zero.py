"""Fewer pixels: the walk and the undoing, each alone, from starts that change far more than they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from misread.attack.base import Kind, Norm, Outcome, Problem, Threat, execute
from misread.attack.goal import margin
from misread.attack.minimal.sigma_zero import SigmaZero
from misread.attack.minimal.undo import undo_pixels
from misread.attack.selftest.oracle import Instance


@dataclass(frozen=True)
class Part:
    """An attack made of a function."""

    function: Callable[[Problem], Tensor]
    name: ClassVar[str] = "part"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("l0",)

    def propose(self, problem: Problem) -> Tensor:
        return self.function(problem)


@pytest.fixture(scope="module")
def pairs(instance: Instance) -> list[Instance]:
    """Images with two classes alone, so that the linearised margin is the margin."""
    found = []
    for row, label in enumerate(instance.labels.tolist()[:6]):
        both = [label, (label + 1) % 10]
        image = (instance.images[row : row + 1] * 255).round() / 255
        found.append(Instance(instance.weight[both], instance.bias[both], image, torch.zeros(1, dtype=torch.int64)))
    return found


def _far(problem: Problem) -> Tensor:
    """Two thirds of the way to the walls, along the gradient, everywhere."""
    rows = problem.open()
    seen = problem.gradient(problem.images, rows, lambda logits, rows: margin(logits, problem.wanted[rows]))
    return problem.images + 0.67 * ((seen.gradient < 0).float() - problem.images)


def _run(function: Callable[[Problem], Tensor], pair: Instance, scale: float = 3.0) -> Outcome:
    return execute(
        Part(function),
        pair.model(scale),
        pair.images,
        pair.labels,
        threat=Threat(norm="l0"),
        generator=torch.Generator().manual_seed(0),
    )


def test_the_undoing_ends_at_the_optimum_of_a_linear_model(pairs: list[Instance]) -> None:
    """Pixels that matter most stay, at the walls: from 784 changed ones to the fewest there can be."""

    def undo(problem: Problem) -> Tensor:
        far = _far(problem)
        assert problem.offer(far, problem.open()).all()
        undo_pixels(problem)
        return problem.images

    for pair in pairs:
        assert _run(undo, pair).size.tolist() == pair.optimum("l0").tolist()


def test_nothing_found_is_nothing_to_undo(pairs: list[Instance]) -> None:
    def undo(problem: Problem) -> Tensor:
        undo_pixels(problem)
        return problem.images

    outcome = _run(undo, pairs[0])
    assert outcome.forwards.tolist() == [1]  # the last proposal


@pytest.mark.parametrize("scale", [0.3, 30.0])
def test_the_walk_alone_comes_near_the_optimum_at_every_scale(scale: float, pairs: list[Instance]) -> None:
    def walk(problem: Problem) -> Tensor:
        far = _far(problem) - problem.images
        return problem.images + SigmaZero(steps=300).walk(problem, problem.open(), far)

    ratios = [float(_run(walk, pair, scale).size[0] / pair.optimum("l0")[0]) for pair in pairs]
    assert np.median(ratios) <= 1.1
    assert max(ratios) <= 1.3


def test_pixels_are_counted_whatever_channels_change(generator: torch.Generator) -> None:
    """Three channels that each give a third of what is needed: one pixel, not three."""
    weight = np.stack([np.zeros(12), np.repeat([1.0, 1.0, 1.0], 4)])
    image = torch.zeros(1, 3, 2, 2)
    pair = Instance(weight, np.array([2.7, 0.0]), image, torch.zeros(1, dtype=torch.int64))

    def walk(problem: Problem) -> Tensor:
        delta = SigmaZero(steps=60).walk(problem, problem.open(), torch.ones_like(problem.images) * 0.7)
        undo_pixels(problem)
        return problem.images + delta

    assert _run(walk, pair).size.tolist() == [1]
