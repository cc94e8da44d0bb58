"""Walk on a ball whose radius follows the best success: the radius rule of DDN and FMN with a margin loss.

Decoupled direction and norm, arXiv 1811.09600; fast minimum norm, arXiv 2102.12827; in l1 with the sparse steps of
arXiv 2103.01208. On the grid the gradient is taken
at the settled image, so each pass judges what a file would hold; the change itself stays real-valued between the steps,
which lets small pulls add up to a level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from misread.attack.balls.l1 import L1
from misread.attack.goal import margin
from misread.attack.gradient.sparse import sparser_unit
from misread.attack.gradient.start import inside
from misread.attack.threat import FULL_SCALE

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Gradient, Problem
    from misread.attack.project import Ball


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrink:
    """The schedule.

    Attributes:
        steps: Gradient passes.
        move: First step as a fraction of the radius; it falls along a cosine to ``last_move``.
        last_move: Last step.
        change: First relative change of the radius; it falls to ``last_change``.
        last_change: Last relative change.
    """

    steps: int = 40
    move: float = 1.0
    last_move: float = 0.01
    change: float = 0.1
    last_change: float = 0.001

    def walk(self, problem: Problem, rows: Tensor, delta: Tensor, radius: Tensor) -> Tensor:
        """Walk, offering every success.

        Args:
            problem: Where.
            rows: Images, (r,); several starts of one image share its best.
            delta: Starts, (r, c, h, w).
            radius: First radius of each, (r,) float64.

        Returns:
            The last changes, (r, c, h, w).
        """
        ball = problem.ball
        last, place = delta.clone(), torch.arange(len(rows), device=rows.device)
        for number in range(self.steps):
            fade = (1 + math.cos(math.pi * number / self.steps)) / 2
            change = self.last_change + (self.change - self.last_change) * fade
            move = self.last_move + (self.move - self.last_move) * fade
            seen = problem.settle(problem.images[rows] + delta, rows).images
            here = problem.gradient(seen, rows, lambda logits, rows: margin(logits, problem.wanted[rows]))
            hit = here.values < 0
            if hit.any():
                problem.offer(seen[hit], rows[hit], logits=here.logits[hit])
            radius = _next_radius(problem, rows, radius, hit, change)
            if isinstance(ball, L1):
                radius = torch.where(hit, torch.minimum(radius, _needed(here, delta)), radius)
            last[place] = delta
            alive = radius > 0  # below one level there is nothing left to find
            rows, place, radius, hit = rows[alive], place[alive], radius[alive], hit[alive]
            if len(rows) == 0:
                break
            clean, bound = problem.images[rows], radius.to(delta.dtype)[:, None]
            step = move * bound * _unit(ball, here.gradient[alive], clean, delta[alive])
            delta = inside(ball, delta[alive] + step.view_as(clean), clean, bound)
        else:
            last[place] = delta
        return last


def _unit(ball: Ball, gradient: Tensor, clean: Tensor, delta: Tensor) -> Tensor:
    """The step of size 1 against the gradient, (r, d)."""
    if isinstance(ball, L1):
        return sparser_unit(gradient, clean, delta)
    return -ball.unit(gradient.flatten(1))


def _needed(here: Gradient, delta: Tensor) -> Tensor:
    """Size of a change in l1, (r,) float64, less what the linearised margin has to spare; at least half of it.

    A first crossing may lie far beyond the boundary, and so many small steps back there are not.
    """
    steepest = here.gradient.flatten(1).double().abs().amax(1).clamp_min(1e-30)
    size = delta.flatten(1).double().abs().sum(1)
    return torch.maximum(size - (-here.values.double()).clamp_min(0) / steepest, size / 2)


def _next_radius(problem: Problem, rows: Tensor, radius: Tensor, hit: Tensor, change: float) -> Tensor:
    """Below the best after a hit, larger after a miss, never up to the best; whole levels for linf on the grid."""
    best = problem.size[rows]
    if problem.threat.norm == "linf" and problem.threat.levels is not None:
        best, radius = (best * FULL_SCALE).round(), radius * FULL_SCALE
        lower, higher = (torch.minimum(best, radius) * (1 - change)).floor(), (radius * (1 + change)).ceil()
        return torch.minimum(torch.where(hit, lower, higher), (best - 1).clamp_max(FULL_SCALE)) / FULL_SCALE
    wider = torch.minimum(radius * (1 + change), best * (1 - 0.5 * change))
    return torch.where(hit, torch.minimum(best, radius) * (1 - change), wider)
