"""What the runs of a sign method aim at: first what the loss says, then one likely class after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from misread.attack.minimal.boundary import gap

if TYPE_CHECKING:
    from misread.attack.objective import Loss
    from misread.attack.problem import Problem

RowLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits (r, k), rows (r,)) -> (r,), lower is nearer to the goal."""


def open_at(problem: Problem, rank: int) -> Tensor:
    """Open rows that have a wanted class of this rank, counted from 0; goals may leave images different numbers."""
    rows = problem.open()
    return rows[problem.wanted[rows].sum(1) > rank]


def ranked_loss(problem: Problem, loss: Loss, rows: Tensor, rank: int) -> RowLoss:
    """What to lower in a run.

    Args:
        problem: Of whose images.
        loss: For rank 0.
        rows: Images, (r,), that will be asked about: some of `open_at` this rank.
        rank: From 1 on, the loss is the distance in logits to the second, third ... likeliest wanted class of the
            clean image, which costs a pass.
    """
    if rank == 0:
        return lambda logits, rows: loss(logits, problem.wanted[rows])
    clean = problem.forward(problem.images[rows], rows).masked_fill(~problem.wanted[rows], float("-inf"))
    target = problem.labels.clone()
    target[rows] = clean.topk(rank + 1, dim=1).indices[:, rank]
    return lambda logits, rows: gap(logits, problem.wanted[rows], target[rows])


def restart_loss(problem: Problem, loss: Loss, rows: Tensor, restart: int) -> RowLoss:
    """What to lower in a run that starts anew: `ranked_loss`, and the loss again where an image has no such class.

    A loss for all classes at once leads most random starts of an image to the same class (arXiv 1910.09338).
    """
    ranked = problem.wanted.sum(1) > restart
    if restart == 0 or not ranked[rows].any():
        return ranked_loss(problem, loss, rows, 0)
    towards = ranked_loss(problem, loss, rows[ranked[rows]], restart)
    return lambda logits, rows: torch.where(ranked[rows], towards(logits, rows), loss(logits, problem.wanted[rows]))
