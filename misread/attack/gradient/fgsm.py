"""The fast gradient sign method, arXiv 1412.6572."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.attack.gradient.rank import open_at, ranked_loss
from misread.attack.objective import LOSSES
from misread.errors import OptionError
from misread.registry import by_name

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class Fgsm:
    """One step to a corner of the ball, cut by the box.

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
    norms: ClassVar[tuple[Norm, ...]] = ("linf",)

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
            step = ball.unit(problem.gradient(clean, rows, loss).gradient.flatten(1)).view_as(clean)
            last[rows] = clean - problem.threat.radius * step  # settling cuts it by the box
            problem.offer(last[rows], rows)
        return last
