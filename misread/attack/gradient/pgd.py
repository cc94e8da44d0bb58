"""Projected gradient descent, arXiv 1706.06083 (and 1607.02533 without random start); sparse in l1, 1904.13000."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from misread.attack.balls.l1 import L1
from misread.attack.goal import margin
from misread.attack.gradient.rank import RowLoss, restart_loss
from misread.attack.gradient.sparse import sparse_unit
from misread.attack.gradient.start import inside, random_start
from misread.attack.objective import LOSSES
from misread.errors import OptionError
from misread.registry import by_name

if TYPE_CHECKING:
    from misread.attack.problem import Kind, Problem
    from misread.attack.project import Ball
    from misread.attack.threat import Norm


SHARE = 0.01
"""Of the values that a step in l1 moves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pgd:
    """Steps along the steepest direction of the norm, each followed by a projection on ball and box.

    The step starts at ``step`` times the radius and falls to a tenth of it along a cosine, which lets the last steps
    settle where a constant step would jump from one side of the boundary to the other. In l1, where the steepest step
    moves one value alone, it moves a hundredth of them, equally far.

    Attributes:
        steps: Gradient passes per restart.
        restarts: Independent runs; later ones work only on the images that are still read right, and aim at the
            second, third ... likeliest wanted class of the clean image, while it has such a class.
        step: First step as a fraction of the radius; None is 5 / steps: with the decay, a path of 2.75 radii, so
            that every value can cross the whole ball; in l1, where each step leaves most values alone, 10 / steps.
        random_start: Start the first run at a random point of the ball too; later runs always do.
        loss: Name in ``LOSSES``.

    Raises:
        OptionError: a count below 1 or a step that is not positive.
        UnknownName: no such loss.
    """

    name: ClassVar[str] = "pgd"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1")

    steps: int = 40
    restarts: int = 1
    step: float | None = None
    random_start: bool = False
    loss: str = "margin"

    def __post_init__(self) -> None:
        """Refuse runs without a step."""
        if not (self.steps >= 1 and self.restarts >= 1):
            message = f"steps and restarts are at least 1, got {self.steps} and {self.restarts}"
            raise OptionError(message)
        if self.step is not None and not 0 < self.step < math.inf:
            message = f"step is a fraction of the radius above 0, got {self.step}; leave it out for 5 / steps"
            raise OptionError(message)
        by_name("loss", LOSSES, self.loss)

    def propose(self, problem: Problem) -> Tensor:
        """Run the restarts one after another; see `Attack.propose`."""
        ball, loss = problem.ball, by_name("loss", LOSSES, self.loss)
        last = problem.images.clone()
        for restart in range(self.restarts):
            rows = problem.open()
            if len(rows) == 0:
                break
            delta = torch.zeros_like(problem.images[rows])
            if restart or self.random_start:
                delta = random_start(problem, rows)
            lowered = restart_loss(problem, loss, rows, restart)
            rows, delta = self._descend(problem, ball, lowered, rows, delta)
            last[rows] = problem.images[rows] + delta
            problem.offer(last[rows], rows)
        return last

    def _descend(
        self, problem: Problem, ball: Ball, loss: RowLoss, rows: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One run. An iterate that looks misread is offered at once, and a finished image leaves the batch."""
        radius = problem.threat.radius
        usual = (10 if problem.threat.norm == "l1" else 5) / self.steps
        first = radius * (usual if self.step is None else self.step)
        for number in range(self.steps):
            clean = problem.images[rows]
            here = problem.gradient(clean + delta, rows, loss)
            hit = margin(here.logits, problem.wanted[rows]) < 0
            keep = torch.ones_like(hit)
            keep[hit] = ~problem.offer((clean + delta)[hit], rows[hit], logits=here.logits[hit])
            rows, delta, clean = rows[keep], delta[keep], clean[keep]
            if len(rows) == 0:
                break
            size = first * (0.55 + 0.45 * math.cos(math.pi * number / self.steps))
            step = _step(ball, here.gradient[keep].flatten(1), (clean + delta).flatten(1))
            delta = inside(ball, delta + size * step.view_as(delta), clean, radius)
        return rows, delta


def _step(ball: Ball, gradient: Tensor, point: Tensor) -> Tensor:
    if isinstance(ball, L1):
        return sparse_unit(gradient, point, torch.full_like(gradient[:, 0], SHARE))
    return -ball.unit(gradient)
