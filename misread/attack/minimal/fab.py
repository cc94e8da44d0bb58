"""Fast adaptive boundary, arXiv 1907.02044: a second opinion on the smallest change, by steps of another kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.goal import margin
from misread.attack.gradient.start import inside
from misread.attack.minimal.boundary import OVERSHOOT, Aim, gap, nearest_targets
from misread.attack.minimal.nearest import offer_stretched
from misread.attack.project import Ball, room_along
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

BACKWARD = 0.9
"""An image that is misread goes back to this share of its change."""
TOWARDS_CLEAN = 0.1
"""Largest share of the clean image's own projection in a step."""
STRETCH = 1.05
"""Steps overshoot the linearised boundary by this factor."""
BISECTIONS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Fab:
    """Walk along the boundary, drawn towards the clean image.

    Each step projects the current and the clean image on the linearised boundary inside the box, exactly, and mixes
    the two by their distances. Targets are the nearest classes by the linearised distance inside the box.

    Attributes:
        steps: Gradient passes per target and restart.
        targets: Nearest classes that are walked to.
        looked_at: Likeliest classes whose boundary distance is estimated.
        restarts: Runs; the first starts at the clean image, the others at a random point within half of the best size.

    Raises:
        OptionError: a count below 1.
    """

    name: ClassVar[str] = "fab"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1")

    steps: int = 40
    targets: int = 3
    looked_at: int = 9
    restarts: int = 1

    def __post_init__(self) -> None:
        """Refuse counts that leave nothing to do."""
        if not min(self.steps, self.targets, self.looked_at, self.restarts) >= 1:
            message = f"steps, targets, looked_at and restarts are at least 1, got {self}"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Run the restarts one after another; see `Attack.propose`."""
        rows = problem.open()
        aim = nearest_targets(problem, rows, looked_at=self.looked_at, kept=self.targets)
        last, start = problem.images.clone(), torch.zeros_like(aim.delta)
        for restart in range(self.restarts):
            if restart:
                start = _random(problem, aim.rows)
            delta = self._walk(problem, aim, start)
            last[aim.rows] = problem.images[aim.rows] + delta
        return last

    def _walk(self, problem: Problem, aim: Aim, delta: Tensor) -> Tensor:
        """One run to each target; its best changes are offered, and come back."""
        rows, clean, ball = aim.rows, problem.images[aim.rows], problem.ball
        best, size = delta, torch.full((len(rows),), torch.inf, dtype=torch.float64, device=delta.device)
        for _ in range(self.steps):
            here = problem.gradient(
                clean + delta, rows, lambda logits, rows: gap(logits, problem.wanted[rows], aim.target)
            )
            hit = margin(here.logits, problem.wanted[rows]) < 0
            best, size = _keep(ball, hit, delta, best, size)
            slope, values = -here.gradient.flatten(1).double(), here.values.double().nan_to_num(0.0)
            deficit = values + (slope * delta.flatten(1).double()).sum(1)
            back = torch.where(hit.view(-1, 1, 1, 1), delta * BACKWARD, delta)
            moved = _mixed(ball, slope, deficit, clean, back)
            delta = torch.where((slope != 0).any(1).view(-1, 1, 1, 1), moved, delta)
        hit = margin(problem.forward(clean + delta, rows), problem.wanted[rows]) < 0
        best, size = _keep(ball, hit, delta, best, size)
        found = torch.isfinite(size)
        if found.any():
            best[found] = _pulled(problem, rows[found], best[found])
            offer_stretched(problem, rows[found], best[found])
        return torch.where(found.view(-1, 1, 1, 1), best, delta)


def _keep(ball: Ball, hit: Tensor, delta: Tensor, best: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The smaller changes of those that reached the goal and those before."""
    now = torch.where(hit, ball.size(delta.flatten(1)), torch.inf)
    return torch.where((now < size).view(-1, 1, 1, 1), delta, best), torch.minimum(now, size)


def _mixed(ball: Ball, normal: Tensor, deficit: Tensor, clean: Tensor, delta: Tensor) -> Tensor:
    """One step from ``clean + delta``: its own way to the boundary, and the clean image's, whose deficit it is."""
    here, origin = delta.flatten(1).double(), clean.flatten(1).double()
    step = _project(ball, normal, deficit - (normal * here).sum(1), origin + here)
    direct = _project(ball, normal, deficit, origin)
    near, far = ball.size(step)[:, None], ball.size(direct)[:, None]
    share = (near / (near + far).clamp_min(1e-30)).clamp_max(TOWARDS_CLEAN)
    mixed = (1 - share) * (here + STRETCH * step) + share * STRETCH * direct
    return ((origin + mixed).clamp(0, 1) - origin).to(clean.dtype).view_as(clean)


def _project(ball: Ball, normal: Tensor, deficit: Tensor, point: Tensor) -> Tensor:
    """Smallest change of the point that puts it on the boundary, from whichever side it lies on."""
    side = torch.where(deficit < 0, -1.0, 1.0)[:, None].to(normal.dtype)
    return ball.reach(normal * side, deficit.abs() * OVERSHOOT, room_along(normal * side, point))


def _pulled(problem: Problem, rows: Tensor, delta: Tensor) -> Tensor:
    """Bisect between the clean image and the change for the last that is misread."""
    low, high = torch.full_like(delta[:, :1, :1, :1], BACKWARD), torch.ones_like(delta[:, :1, :1, :1])
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        logits = problem.forward(problem.images[rows] + middle * delta, rows)
        hit = (margin(logits, problem.wanted[rows]) < 0).view(-1, 1, 1, 1)
        low, high = torch.where(hit, low, middle), torch.where(hit, middle, high)
    return delta * high


def _random(problem: Problem, rows: Tensor) -> Tensor:
    """A random change of at most half the best size, of one radius for an image not found yet."""
    draw = problem.uniform(rows)
    if problem.mask is not None:
        draw = draw * problem.mask[rows]
    best = problem.size[rows]
    radius = (best / 2).where(torch.isfinite(best), torch.full_like(best, 0.1)).to(draw.dtype)[:, None]
    clean = problem.images[rows]
    return inside(problem.ball, problem.ball.sample(draw.flatten(1), radius).view_as(draw), clean, radius)
