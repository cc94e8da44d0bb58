"""The smallest misreading change: first the nearest boundary, then a walk on a shrinking ball, or on fewer pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.goal import margin
from misread.attack.minimal.boundary import Aim, nearest_targets, project_clean
from misread.attack.minimal.shrink import Shrink
from misread.attack.minimal.sigma_zero import SigmaZero
from misread.attack.minimal.undo import undo_pixels
from misread.attack.threat import FULL_SCALE, Norm
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem

STRETCHES = (1.0, 1.01, 1.03, 1.1, 1.25, 1.6)
PIXEL_STEPS = 3
"""A walk in l0 takes so many times the steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearest:
    """Minimal-norm attack for every norm.

    Attributes:
        looked_at: Likeliest classes whose boundary distance is estimated.
        targets: Nearest of them that are walked to.
        walk: Projections onto the linearised boundary per target.
        starts: Nearest crossings that go on.
        steps: Gradient passes of the walk that follows, per start; three times as many for l0.

    Raises:
        OptionError: a count below 1.
    """

    name: ClassVar[str] = "minimal"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1", "l0")

    looked_at: int = 9
    targets: int = 2
    walk: int = 2
    starts: int = 2
    steps: int = 40

    def __post_init__(self) -> None:
        """Refuse counts that leave nothing to do."""
        if not min(self.looked_at, self.targets, self.walk, self.starts, self.steps) >= 1:
            message = f"looked_at, targets, walk, starts and steps are at least 1, got {self}"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Find the boundary, then shrink; see `Attack.propose`."""
        rows = problem.open()
        aim = nearest_targets(problem, rows, looked_at=self.looked_at, kept=self.targets)
        aim, radius = self._cross(problem, aim)
        if problem.threat.norm == "l0":
            delta = SigmaZero(steps=PIXEL_STEPS * self.steps).walk(problem, aim.rows, aim.delta)
            undo_pixels(problem)
        else:
            delta = Shrink(steps=self.steps).walk(problem, aim.rows, aim.delta, radius)
        last = problem.images.clone()
        last[aim.rows] += delta
        return last

    def _cross(self, problem: Problem, aim: Aim) -> tuple[Aim, Tensor]:
        """Walk to each target's boundary and keep the smallest crossings of each image, or the nearest estimates.

        Returns:
            The kept starts and their sizes (r,).
        """
        ball, count = problem.ball, len(aim.rows) // len(problem.images)
        delta, best = aim.delta, aim.delta
        best_size = torch.full((len(aim.rows),), float("inf"), dtype=torch.float64, device=delta.device)
        first_size = ball.size(delta.flatten(1))
        for number in range(self.walk):
            last = number == self.walk - 1
            logits, ahead = _look(problem, aim, delta, only_score=last)
            size = torch.where(margin(logits, problem.wanted[aim.rows]) < 0, ball.size(delta.flatten(1)), torch.inf)
            better = size < best_size
            best, best_size = torch.where(better.view(-1, 1, 1, 1), delta, best), torch.minimum(size, best_size)
            delta = ahead
        crossed = torch.isfinite(best_size)
        rank = torch.where(crossed, best_size, 1e3 + first_size).view(-1, count).argsort(dim=1)[:, : self.starts]
        picked = (rank + torch.arange(len(rank), device=rank.device)[:, None] * count).flatten()
        kept = Aim(aim.rows[picked], aim.target[picked], best[picked])
        offer_stretched(problem, kept.rows, kept.delta)
        return kept, torch.where(crossed, best_size, first_size)[picked]


def _look(problem: Problem, aim: Aim, delta: Tensor, *, only_score: bool) -> tuple[Tensor, Tensor]:
    if only_score:
        return problem.forward(problem.images[aim.rows] + delta, aim.rows), delta
    return project_clean(problem, aim.rows, aim.target, delta)


def offer_stretched(problem: Problem, rows: Tensor, delta: Tensor) -> None:
    """Offer the changes, on the grid stretched a little at a time until rounding no longer undoes them.

    For linf each stretch goes to the next whole level. For l2, rounding a stretched normal to the nearest level
    is the best whole-level answer along it: the t-th level of a value pays as long as its gain over 2 t - 1 does.
    """
    if problem.threat.levels is None:
        problem.offer(problem.images[rows] + delta, rows)
        return
    for number, factor in enumerate(STRETCHES):
        stretch = torch.full((len(rows),), factor, dtype=delta.dtype, device=delta.device)
        if problem.threat.norm == "linf":
            size = problem.ball.size(delta.flatten(1)) * FULL_SCALE
            stretch = ((size.ceil() + number) / size.clamp_min(1e-9)).to(delta.dtype)
        hit = problem.offer(problem.images[rows] + delta * stretch.view(-1, 1, 1, 1), rows)
        rows, delta = rows[~hit], delta[~hit]
        if len(rows) == 0:
            return
