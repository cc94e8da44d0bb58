"""The walk of Auto-PGD, arXiv 2003.01690: momentum, and a step that halves when a look back finds it too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from misread.attack.goal import margin
from misread.attack.gradient.start import inside

if TYPE_CHECKING:
    from misread.attack.problem import Gradient, Problem
    from misread.attack.project import Ball

PlacedLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits (r, k), place (r,) of these rows among those that the walk began with) -> (r,), lower is nearer the goal."""
RISING = 0.75
"""A step stays as it is while more than this share of the steps improve the loss."""
MOMENTUM = 0.25


def checkpoints(steps: int) -> dict[int, int]:
    """After how many steps to look back, and how many steps that look covers.

    The first interval is 22 % of the steps, each later one 3 % shorter, never below 6 %. Counted in whole percent:
    with fractions, .22 + .19 of 100 steps comes to 42.
    """
    share, length = 22, 22
    places = [0]
    while share <= 100:
        places.append(-(-share * steps // 100))
        length = max(length - 3, 6)
        share += length
    return {last: last - first for first, last in pairwise(places) if last > first}


@dataclass(slots=True, kw_only=True)
class Runs:
    """What is known of each run, one row each; lower values are better.

    Attributes:
        place: (r,) int64, where the run stood when the walk began.
        delta: (r, c, h, w) current change.
        before: The change one step ago.
        gradient: Of the loss at ``delta``.
        value: (r,) loss at ``delta``.
        best: Change of the lowest loss so far, with its gradient and value.
        best_gradient: See ``best``.
        best_value: See ``best``.
        checked: (r,) ``best_value`` at the last checkpoint.
        step: (r, 1) step size.
        improved: (r,) int64, steps since the last checkpoint that lowered the loss.
        halved: (r,) bool, the step was halved at the last checkpoint.
    """

    place: Tensor
    delta: Tensor
    before: Tensor
    gradient: Tensor
    value: Tensor
    best: Tensor
    best_gradient: Tensor
    best_value: Tensor
    checked: Tensor
    step: Tensor
    improved: Tensor
    halved: Tensor

    @classmethod
    def start(cls, delta: Tensor, value: Tensor, gradient: Tensor, step: float) -> Runs:
        """All runs at their first point."""
        return cls(
            place=torch.arange(len(delta), device=delta.device),
            delta=delta,
            before=delta,
            gradient=gradient,
            value=value,
            best=delta,
            best_gradient=gradient,
            best_value=value,
            checked=value,
            step=torch.full((len(delta), 1), step, dtype=delta.dtype, device=delta.device),
            improved=torch.zeros(len(delta), dtype=torch.int64, device=delta.device),
            halved=torch.zeros(len(delta), dtype=torch.bool, device=delta.device),
        )

    def keep(self, alive: Tensor) -> None:
        """Drop the other runs."""
        if not alive.all():
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[alive])

    def score(self, value: Tensor, gradient: Tensor) -> None:
        """Take note of the loss after a step."""
        self.improved = self.improved + (value < self.value)
        self.value, self.gradient = value, gradient
        better = value < self.best_value
        self.best = where(better, self.delta, self.best)
        self.best_gradient = where(better, gradient, self.best_gradient)
        self.best_value = torch.where(better, value, self.best_value)

    def look_back(self, length: int) -> None:
        """Halve the step and go back to the best point, where too few of ``length`` steps improved or nothing moved.

        Momentum begins anew there: the way from the last point to the best one is no direction of descent.
        """
        seldom = self.improved <= RISING * length
        stuck = ~self.halved & (self.best_value >= self.checked)
        self.halved = seldom | stuck
        self.step = torch.where(self.halved[:, None], self.step / 2, self.step)
        self.delta = where(self.halved, self.best, self.delta)
        self.before = where(self.halved, self.best, self.before)
        self.gradient = where(self.halved, self.best_gradient, self.gradient)
        self.value = torch.where(self.halved, self.best_value, self.value)
        self.checked = self.best_value
        self.improved = torch.zeros_like(self.improved)

    def advance(self, ball: Ball, clean: Tensor, radius: float, momentum: float) -> None:
        """One step inside ball and box."""
        ahead = self.delta.flatten(1) - self.step * ball.unit(self.gradient.flatten(1))
        target = inside(ball, ahead.view_as(clean), clean, radius)
        moved = self.delta + (1 - momentum) * (target - self.delta) + momentum * (self.delta - self.before)
        self.before, self.delta = self.delta, inside(ball, moved, clean, radius)


def walk(problem: Problem, rows: Tensor, delta: Tensor, loss: PlacedLoss, steps: int) -> Tensor:
    """Walk, offering what looks misread; all runs of an image end with its first success.

    Args:
        problem: Where.
        rows: Images, (r,); they may repeat.
        delta: Starts inside ball and box, (r, c, h, w).
        loss: What to lower.
        steps: Gradient passes of each run.

    Returns:
        The best changes by loss, (r, c, h, w).
    """
    ball, radius, looks = problem.ball, problem.threat.radius, checkpoints(steps)
    best, place = delta.clone(), torch.arange(len(rows), device=rows.device)
    seen, hit = look(problem, rows, delta, place, loss)
    runs = Runs.start(delta, seen.values, seen.gradient, 2 * radius)
    for number in range(steps):
        if number:
            seen, hit = look(problem, rows[runs.place], runs.delta, runs.place, loss)
            runs.score(seen.values, seen.gradient)
        if hit.any():
            best[runs.place] = runs.best
            runs.keep(torch.isin(rows[runs.place], problem.open()))
            if len(runs.place) == 0:
                return best
        if number in looks:
            runs.look_back(looks[number])
        runs.advance(ball, problem.images[rows[runs.place]], radius, MOMENTUM if number else 0.0)
    best[runs.place] = runs.best
    here = rows[runs.place]
    problem.offer(problem.images[here] + runs.delta, here)
    runs.keep(torch.isin(here, problem.open()))
    if problem.threat.levels is not None:  # rounded, the best point may be misread, which the walk never asked
        here = rows[runs.place]
        problem.offer(problem.images[here] + runs.best, here)
    return best


def look(
    problem: Problem, rows: Tensor, delta: Tensor, place: Tensor, loss: PlacedLoss, *, offer: bool = True
) -> tuple[Gradient, Tensor]:
    """One gradient pass, and which points look misread, (r,) bool; these are offered."""
    points = problem.images[rows] + delta
    seen = problem.gradient(points, rows, lambda logits, _: loss(logits, place))
    hit = margin(seen.logits, problem.wanted[rows]) < 0
    if offer and hit.any():
        problem.offer(points[hit], rows[hit])
    return seen, hit


def where(condition: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Whole rows of the one or the other, (r, c, h, w), by a condition (r,)."""
    return torch.where(condition.view(-1, 1, 1, 1), first, second)
