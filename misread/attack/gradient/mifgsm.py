"""The momentum iterative fast gradient sign method, arXiv 1710.06081."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.goal import margin
from misread.attack.gradient.rank import RowLoss, open_at, ranked_loss
from misread.attack.objective import LOSSES
from misread.attack.project import room_along
from misread.errors import OptionError
from misread.registry import by_name

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.project import Ball
    from misread.attack.threat import Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class MiFgsm:
    """Equal steps along the sign of accumulated gradients, each brought to a mean absolute value of 1.

    The steps together are just as long as the radius, so no value that set out the wrong way can cross the ball: the
    point is a change that transfers, not the strongest one. In l2 and l1 each step is a part of the way to the point
    of ball and box that lies farthest along the accumulated gradients, these brought to a length of 1 in l2.

    Attributes:
        steps: Gradient passes per restart.
        decay: Of the accumulated gradient from one step to the next.
        restarts: Runs per image, each from the clean image: the first along the loss, the later ones, on images that
            are still read right, towards the second, third ... likeliest wanted class. 1 is the published method.
        loss: Of the first run; a name in ``LOSSES``.

    Raises:
        OptionError: a count below 1 or a decay that is negative or not finite.
        UnknownName: no such loss.
    """

    name: ClassVar[str] = "mi-fgsm"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1")

    steps: int = 10
    decay: float = 1.0
    restarts: int = 1
    loss: str = "margin"

    def __post_init__(self) -> None:
        """Refuse runs without a step and a memory that means nothing."""
        if not (self.steps >= 1 and self.restarts >= 1):
            message = f"steps and restarts are at least 1, got {self.steps} and {self.restarts}"
            raise OptionError(message)
        if not 0 <= self.decay < math.inf:
            message = f"decay is a factor from 0, got {self.decay}; the paper takes 1"
            raise OptionError(message)
        by_name("loss", LOSSES, self.loss)

    def propose(self, problem: Problem) -> Tensor:
        """Run towards one class after the other; see `Attack.propose`."""
        last = problem.images.clone()
        for rank in range(self.restarts):
            rows = open_at(problem, rank)
            if len(rows) == 0:
                break
            loss = ranked_loss(problem, by_name("loss", LOSSES, self.loss), rows, rank)
            rows, x = self._run(problem, rows, loss)
            last[rows] = x
            problem.offer(x, rows)
        return last

    def _run(self, problem: Problem, rows: Tensor, loss: RowLoss) -> tuple[Tensor, Tensor]:
        """One run. An iterate that looks misread is offered at once, and a finished image leaves the batch."""
        ball, radius = problem.ball, problem.threat.radius
        x = problem.images[rows]
        velocity = torch.zeros_like(x)
        for _ in range(self.steps):
            here = problem.gradient(x, rows, loss)
            velocity = self.decay * velocity + _normalised(here.gradient, euclidean=problem.threat.norm == "l2")
            hit = margin(here.logits, problem.wanted[rows]) < 0
            keep = torch.ones_like(hit)
            keep[hit] = ~problem.offer(x[hit], rows[hit])
            rows, x, velocity = rows[keep], x[keep], velocity[keep]
            if len(rows) == 0:
                break
            clean = problem.images[rows]
            moved = x - clean + _step(ball, velocity, clean, radius) / self.steps
            x = (clean + ball.project(moved.flatten(1), radius).view_as(x)).clamp(0, 1)
        return rows, x


def _step(ball: Ball, velocity: Tensor, clean: Tensor, radius: float) -> Tensor:
    """All steps together along one velocity; for linf the published step, which the box cuts afterwards."""
    if ball.name == "linf":
        return -radius * velocity.sign()
    downhill = -velocity.flatten(1)
    return ball.farthest(downhill, radius, room_along(downhill, clean.flatten(1))).view_as(clean)


def _normalised(gradient: Tensor, *, euclidean: bool) -> Tensor:
    """Mean absolute value or length 1, or 0 where the gradient is 0: a NaN would stay in the sum for good."""
    tiny = torch.finfo(gradient.dtype).tiny
    scaled = gradient / gradient.abs().mean((1, 2, 3), keepdim=True).clamp_min(tiny)
    return scaled / scaled.square().sum((1, 2, 3), keepdim=True).sqrt().clamp_min(tiny) if euclidean else scaled
