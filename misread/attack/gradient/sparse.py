"""Auto-PGD for l1, arXiv 2103.01208: sparse steps, from a wider ball into the ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from misread.attack.gradient.autostep import PlacedLoss, Runs, look, where
from misread.attack.gradient.start import inside

if TYPE_CHECKING:
    from misread.attack.problem import Problem
    from misread.attack.project import Ball

PHASES: Final = ((3, 0.3), (2, 0.3), (1, 0.4))
"""Radius in units of eps, and share of the steps."""
LOOK: Final = 0.04
"""Share of a phase's steps between two looks back."""
FIRST_SHARE: Final = 0.2
"""Of the values that the first step moves."""
SPARSER: Final = 0.95
"""A best point with less than this share of the values changed before is a sparser one."""
DENSER: Final = 1.5
"""A step moves the number of values changed at the best point, divided by this."""
SLOWER: Final = 1.5
LONGEST: Final = 10
"""The step falls by the first of these at a look back, and never below the first step divided by the second."""
OFFER_EVERY: Final = 5


def sparse_unit(gradient: Tensor, point: Tensor, share: Tensor) -> Tensor:
    """The step of size 1 against the gradient that moves a share of the values equally far.

    Args:
        gradient: (r, d).
        point: (r, d) in [0, 1]; a value at the wall towards which it would go stays, and another moves in its place.
        share: (r,) of the values, at least one of them moves.
    """
    blocked = ((gradient > 0) & (point <= 0)) | ((gradient < 0) & (point >= 1))
    free = gradient.masked_fill(blocked, 0.0)
    count = (share * gradient.shape[1]).long().clamp(1, gradient.shape[1])
    top = free.abs().topk(int(count.max()), dim=1).values
    least = top.gather(1, count[:, None] - 1)
    signs = free.sign() * (free.abs() >= least)
    return -signs / signs.abs().sum(1, keepdim=True).clamp_min(1)


def sparser_unit(gradient: Tensor, clean: Tensor, delta: Tensor) -> Tensor:
    """`sparse_unit`, (r, d), on fewer values than are changed; all are (r, c, h, w)."""
    return sparse_unit(gradient.flatten(1), (clean + delta).flatten(1), _changed(delta) / DENSER)


@dataclass(slots=True, kw_only=True)
class SparseRuns(Runs):
    """Runs with l1's own rules for the step.

    Attributes:
        share: (r,) of the values that a step moves.
        changed: (r,) share of the values changed at the best point at the last look back.
        longest: (r, 1) first step.
    """

    share: Tensor
    changed: Tensor
    longest: Tensor

    @classmethod
    def begin(cls, place: Tensor, delta: Tensor, value: Tensor, gradient: Tensor, step: float) -> SparseRuns:
        """All runs at their first point of a phase; the longest step is ``step``."""
        runs = Runs.start(delta, value, gradient, step)
        changed = _changed(delta)
        share = torch.where(changed > 0, changed / DENSER, torch.full_like(changed, FIRST_SHARE))
        kept = {name: getattr(runs, name) for name in Runs.__slots__} | {"place": place}
        return cls(**kept, share=share, changed=torch.ones_like(changed), longest=runs.step)

    def look_back(self, length: int) -> None:  # noqa: ARG002 - the rule counts no steps
        """Long steps again from the best point where that became sparser, shorter ones from here where it did not."""
        changed = _changed(self.best)
        self.halved = changed < SPARSER * self.changed
        self.share = changed / DENSER
        shorter = torch.maximum(self.step / SLOWER, self.longest / LONGEST)
        self.step = torch.where(self.halved[:, None], self.longest, shorter)
        self.changed = changed
        self.delta = where(self.halved, self.best, self.delta)
        self.gradient = where(self.halved, self.best_gradient, self.gradient)

    def advance(self, ball: Ball, clean: Tensor, radius: float, momentum: float) -> None:  # noqa: ARG002 - there is none
        """One step inside ball and box."""
        point = (clean + self.delta).flatten(1)
        step = self.step * sparse_unit(self.gradient.flatten(1), point, self.share)
        self.before, self.delta = self.delta, inside(ball, self.delta + step.view_as(clean), clean, radius)


def walk(problem: Problem, rows: Tensor, delta: Tensor, loss: PlacedLoss, steps: int) -> Tensor:
    """Walk as `misread.attack.gradient.autostep.walk` does, first in a ball three times as wide, then in one twice so.

    A point of the wider balls that looks misread is offered now and then: settled, it may hold inside the ball too.
    """
    ball, radius, best = problem.ball, problem.threat.radius, delta.clone()
    place = torch.arange(len(rows), device=rows.device)
    moved = delta.flatten(1).any(1)
    problem.offer((problem.images[rows] + delta)[moved], rows[moved])
    for factor, share in PHASES:
        place = place[torch.isin(rows[place], problem.open())]
        if len(place) == 0:
            break
        count = max(1, round(share * steps))
        runs = _phase(problem, rows, best, place, loss, steps=count, factor=factor)
        best[runs.place] = inside(ball, runs.best, problem.images[rows[runs.place]], radius)
    here = problem.open()
    left = torch.isin(rows, here).nonzero().flatten()
    problem.offer(problem.images[rows[left]] + best[left], rows[left])
    return best


def _phase(
    problem: Problem, rows: Tensor, delta: Tensor, place: Tensor, loss: PlacedLoss, *, steps: int, factor: int
) -> SparseRuns:
    """The runs that are left after so many gradient passes each in a ball ``factor`` times as wide."""
    radius, every = factor * problem.threat.radius, max(1, int(LOOK * steps))
    start = inside(problem.ball, delta[place], problem.images[rows[place]], radius)
    seen, hit = look(problem, rows[place], start, place, loss, offer=factor == 1)
    runs = SparseRuns.begin(place, start, seen.values, seen.gradient, radius)
    for number in range(1, steps + 1):
        if number > 1:
            offer = factor == 1 or number % OFFER_EVERY == 0
            seen, hit = look(problem, rows[runs.place], runs.delta, runs.place, loss, offer=offer)
            runs.score(seen.values, seen.gradient)
        if hit.any():
            runs.keep(torch.isin(rows[runs.place], problem.open()))
            if len(runs.place) == 0:
                break
        if number > 1 and (number - 1) % every == 0:
            runs.look_back(every)
        runs.advance(problem.ball, problem.images[rows[runs.place]], radius, 0.0)
    if factor == 1 and len(runs.place):
        here = rows[runs.place]
        problem.offer(problem.images[here] + runs.delta, here)
    return runs


def _changed(delta: Tensor) -> Tensor:
    return (delta.flatten(1) != 0).to(delta.dtype).mean(1)
