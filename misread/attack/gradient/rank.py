"""What the runs of a sign method aim at: first what the loss says, then one likely class after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from misread.attack.minimal.boundary import gap

if TYPE_CHECKING:
    from misread.attack.objective import Loss
    from misread.attack.problem import Problem

RowLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits (r, k), rows (r,)) -> (r,), lower is nearer to the goal."""


def ranked_loss(problem: Problem, loss: Loss, rows: Tensor, rank: int) -> RowLoss | None:
    """What to lower in a run.

    Args:
        problem: Of whose images.
        loss: For rank 0.
        rows: Images, (r,), that will be asked about.
        rank: From 1 on, the loss is the distance in logits to the second, third ... likeliest wanted class of the
            clean image, which costs a pass.

    Returns:
        None where there is no such class.
    """
    if rank == 0:
        return lambda logits, rows: loss(logits, problem.wanted[rows])
    if rank >= int(problem.wanted[rows].sum(1).min()):
        return None
    clean = problem.forward(problem.images[rows], rows).masked_fill(~problem.wanted[rows], float("-inf"))
    target = problem.labels.clone()
    target[rows] = clean.topk(rank + 1, dim=1).indices[:, rank]
    return lambda logits, rows: gap(logits, problem.wanted[rows], target[rows])
