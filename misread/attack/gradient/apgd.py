"""Auto-PGD without a step size to choose, and its targeted form over the most promising classes.

arXiv 2003.01690; for l1 with the rules of arXiv 2103.01208.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from misread.attack.gradient import autostep, sparse
from misread.attack.gradient.rank import restart_loss
from misread.attack.gradient.start import inside, random_start
from misread.attack.minimal.boundary import gap, nearest_targets
from misread.attack.objective import LOSSES
from misread.errors import OptionError
from misread.registry import by_name

if TYPE_CHECKING:
    from misread.attack.gradient.autostep import PlacedLoss
    from misread.attack.gradient.rank import RowLoss
    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

BATCH_VALUES = 2**20
"""Pixel values in one batch of targeted runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apgd:
    """Auto-PGD on one loss.

    Attributes:
        steps: Gradient passes per restart.
        restarts: Independent runs; later ones work only on the images that are still read right, and aim at the
            second, third ... likeliest wanted class of the clean image, while it has such a class.
        random_start: Start the first run at a random point of the ball too; later runs always do.
        loss: Name in ``LOSSES``.

    Raises:
        OptionError: a count below 1.
        UnknownName: no such loss.
    """

    name: ClassVar[str] = "apgd"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1")

    steps: int = 100
    restarts: int = 1
    random_start: bool = False
    loss: str = "margin"

    def __post_init__(self) -> None:
        """Refuse runs without a step."""
        if not (self.steps >= 1 and self.restarts >= 1):
            message = f"steps and restarts are at least 1, got {self.steps} and {self.restarts}"
            raise OptionError(message)
        by_name("loss", LOSSES, self.loss)

    def propose(self, problem: Problem) -> Tensor:
        """Run the restarts one after another; see `Attack.propose`."""
        loss, best = by_name("loss", LOSSES, self.loss), problem.images.clone()
        for restart in range(self.restarts):
            rows = problem.open()
            if len(rows) == 0:
                break
            random = bool(restart) or self.random_start
            start = random_start(problem, rows) if random else torch.zeros_like(problem.images[rows])
            lowered = _placed(restart_loss(problem, loss, rows, restart), rows)
            best[rows] = problem.images[rows] + _walk(problem, rows, start, lowered, self.steps)
        return best


@dataclass(frozen=True, kw_only=True, slots=True)
class ApgdTargeted:
    """Auto-PGD towards several classes at once, each run with its own target; any wanted class ends them all.

    Targets are ordered by the linearised distance of their boundary inside the box (after arXiv 2407.02240), and each
    run starts from there. The loss is the targeted difference-of-logits ratio; with fewer than four classes, for which
    the ratio is not defined, it is the plain difference.

    Attributes:
        steps: Gradient passes per target.
        targets: Nearest classes that are aimed at.
        looked_at: Likeliest classes whose distance is estimated, one gradient pass each.

    Raises:
        OptionError: a count below 1.
    """

    name: ClassVar[str] = "apgd-t"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1")

    steps: int = 100
    targets: int = 9
    looked_at: int = 20

    def __post_init__(self) -> None:
        """Refuse counts that leave nothing to do."""
        if not min(self.steps, self.targets, self.looked_at) >= 1:
            message = f"steps, targets and looked_at are at least 1, got {self}"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Aim at the targets, some images at a time; see `Attack.propose`."""
        best, rows = problem.images.clone(), problem.open()
        size = max(1, BATCH_VALUES // (problem.images[0].numel() * self.targets))
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            best[some] = self._aim(problem, some)
        return best

    def _aim(self, problem: Problem, rows: Tensor) -> Tensor:
        """The best images towards the nearest target of each, (r, c, h, w)."""
        aim = nearest_targets(problem, rows, looked_at=self.looked_at, kept=self.targets)
        clean, radius = problem.images[aim.rows], problem.threat.radius
        start = inside(problem.ball, aim.delta, clean, radius)
        wanted = problem.wanted[aim.rows]

        def loss(logits: Tensor, place: Tensor) -> Tensor:
            return _ratio(logits, gap(logits, wanted[place], aim.target[place]))

        delta = _walk(problem, aim.rows, start, loss, self.steps)
        return (clean + delta)[:: len(aim.rows) // len(rows)]


def _walk(problem: Problem, rows: Tensor, start: Tensor, loss: PlacedLoss, steps: int) -> Tensor:
    walk = sparse.walk if problem.threat.norm == "l1" else autostep.walk
    return walk(problem, rows, start, loss, steps)


def _placed(loss: RowLoss, rows: Tensor) -> PlacedLoss:
    return lambda logits, place: loss(logits, rows[place])


def _ratio(logits: Tensor, difference: Tensor) -> Tensor:
    """Difference over the spread of the four highest logits, where there are so many."""
    if logits.shape[1] < 4:
        return difference
    top = logits.topk(4, dim=1).values
    return difference / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2).clamp_min(1e-12)
