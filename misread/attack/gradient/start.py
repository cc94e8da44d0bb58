"""Where a run inside a fixed budget starts, and how it stays in the box."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem


def into(delta: Tensor, clean: Tensor) -> Tensor:
    """Cut by the box. The ball still holds: cutting only shortens."""
    return (clean + delta).clamp(0, 1) - clean


def random_start(problem: Problem, rows: Tensor) -> Tensor:
    """A random point of ball, box and mask for each row, (r, c, h, w), drawn from its image's own stream."""
    draw = problem.uniform(rows)
    if problem.mask is not None:
        draw = draw * problem.mask[rows]
    point = problem.ball.sample(draw.flatten(1), problem.threat.radius)
    return into(point.view_as(draw), problem.images[rows])
