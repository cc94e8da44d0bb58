"""The fast gradient sign method, arXiv 1412.6572, and its kin in the other norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.attack.gradient.rank import open_at, ranked_loss
from misread.attack.objective import LOSSES
from misread.attack.project import room_along
from misread.errors import OptionError
from misread.registry import by_name

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class Fgsm:
    """One step to where the linearised loss is lowest.

    For linf this is a corner of the ball, cut by the box. In the other norms what the box would cut off is spent on
    other values: l2 follows the gradient up to the walls, l1 and l0 fill the steepest values or pixels.

    Attributes:
        restarts: Steps per image, each from the clean image: the first along the loss, the later ones, on images that
            are still read right, towards the second, third ... likeliest wanted class. 1 is the published method.
        loss: Of the first step; a name in ``LOSSES``.

    Raises:
        OptionError: a count below 1.
        UnknownName: no such loss.
    """

    name: ClassVar[str] = "fgsm"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2", "l1", "l0")

    restarts: int = 1
    loss: str = "margin"

    def __post_init__(self) -> None:
        """Refuse a run without a step."""
        if not self.restarts >= 1:
            message = f"restarts is at least 1, got {self.restarts}"
            raise OptionError(message)
        by_name("loss", LOSSES, self.loss)

    def propose(self, problem: Problem) -> Tensor:
        """Step and offer; see `Attack.propose`."""
        ball, last = problem.ball, problem.images.clone()
        for rank in range(self.restarts):
            rows = open_at(problem, rank)
            if len(rows) == 0:
                break
            loss = ranked_loss(problem, by_name("loss", LOSSES, self.loss), rows, rank)
            clean = problem.images[rows]
            downhill = -problem.gradient(clean, rows, loss).gradient.flatten(1)
            step = ball.farthest(downhill, problem.threat.radius, room_along(downhill, clean.flatten(1)))
            last[rows] = clean + step.view_as(clean)
            problem.offer(last[rows], rows)
        return last
