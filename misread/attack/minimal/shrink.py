"""Walk on a ball whose radius follows the best success: the radius rule of DDN and FMN with a margin loss.

Decoupled direction and norm, arXiv 1811.09600; fast minimum norm, arXiv 2102.12827. On the grid the gradient is taken
at the settled image, so each pass judges what a file would hold; the change itself stays real-valued between the steps,
which lets small pulls add up to a level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from misread.attack.goal import margin
from misread.attack.threat import FULL_SCALE

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem


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
            last[place] = delta
            alive = radius > 0  # below one level there is nothing left to find
            rows, place, radius, hit = rows[alive], place[alive], radius[alive], hit[alive]
            if len(rows) == 0:
                break
            clean, bound = problem.images[rows], radius.to(delta.dtype)[:, None]
            step = move * bound * ball.unit(here.gradient[alive].flatten(1))
            moved = ball.project(delta[alive].flatten(1) - step, bound).view_as(clean)
            delta = (clean + moved).clamp(0, 1) - clean
        else:
            last[place] = delta
        return last


def _next_radius(problem: Problem, rows: Tensor, radius: Tensor, hit: Tensor, change: float) -> Tensor:
    """Below the best after a hit, larger after a miss, never up to the best; whole levels for linf on the grid."""
    best = problem.size[rows]
    if problem.threat.norm == "linf" and problem.threat.levels is not None:
        best, radius = (best * FULL_SCALE).round(), radius * FULL_SCALE
        lower, higher = (torch.minimum(best, radius) * (1 - change)).floor(), (radius * (1 + change)).ceil()
        return torch.minimum(torch.where(hit, lower, higher), (best - 1).clamp_max(FULL_SCALE)) / FULL_SCALE
    wider = torch.minimum(radius * (1 + change), best * (1 - 0.5 * change))
    return torch.where(hit, torch.minimum(best, radius) * (1 - change), wider)
