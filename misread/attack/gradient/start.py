"""Where a run inside a fixed budget starts, and how it stays in ball and box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.attack.balls.l1 import L1

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem
    from misread.attack.project import Ball


def into(delta: Tensor, clean: Tensor) -> Tensor:
    """Cut by the box. The ball still holds: cutting only shortens."""
    return (clean + delta).clamp(0, 1) - clean


def inside(ball: Ball, delta: Tensor, clean: Tensor, radius: Tensor | float) -> Tensor:
    """Bring changes (r, c, h, w) into ball and box; radius is (r, 1) or a float.

    For l1 this is the nearest point of both: what the box cuts off a sparse change would be missed in its length.
    """
    flat = delta.flatten(1)
    if isinstance(ball, L1):
        return into(ball.project_box(flat, clean.flatten(1), radius).view_as(delta), clean)
    return into(ball.project(flat, radius).view_as(delta), clean)


def random_start(problem: Problem, rows: Tensor) -> Tensor:
    """A random point of ball, box and mask for each row, (r, c, h, w), drawn from its image's own stream."""
    draw = problem.uniform(rows)
    if problem.mask is not None:
        draw = draw * problem.mask[rows]
    point = problem.ball.sample(draw.flatten(1), problem.threat.radius)
    return into(point.view_as(draw), problem.images[rows])
