"""Where is the nearest boundary? Linearised distances for the order of targets, then projections onto the boundary.

The order is that of MALT (arXiv 2407.02240), with the exact distance inside the box in place of margin over dual norm.
The walk is that of FAB (arXiv 1907.02044) without its step towards the last iterate: the clean image is projected on
the linearised boundary again and again, so a linear model is solved at the first step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from misread.attack.project import Ball, room_along

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem

OVERSHOOT = 1.002
"""Deficits are met by this factor, because on the boundary itself the two logits tie."""
BATCH_VALUES = 2**21
"""Pixel values in one batch of first looks."""


class Aim(NamedTuple):
    """Starts of one image each at one target class: rows (r,), target (r,), delta (r, c, h, w)."""

    rows: Tensor
    target: Tensor
    delta: Tensor


def gap(logits: Tensor, wanted: Tensor, target: Tensor) -> Tensor:
    """Best unwanted logit minus the target's, (r,)."""
    low = torch.finfo(logits.dtype).min
    return logits.masked_fill(wanted, low).amax(1) - logits.gather(1, target[:, None])[:, 0]


def nearest_targets(problem: Problem, rows: Tensor, *, looked_at: int, kept: int) -> Aim:
    """Order the likeliest wanted classes by the linearised distance inside the box and keep the nearest.

    Args:
        problem: Where to look.
        rows: Images, (r,).
        looked_at: Classes whose gradient is taken, by logit.
        kept: Classes kept per image.

    Returns:
        One start per image and kept class, with the change that reaches its linearised boundary. An image that wants
        fewer classes than its neighbours has its likeliest one again in place of those it lacks, always last.
    """
    clean = problem.forward(problem.images[rows], rows)
    wanted = problem.wanted[rows]
    count = min(looked_at, int(wanted.sum(1).max()))
    target = clean.masked_fill(~wanted, float("-inf")).topk(count, dim=1).indices
    real = wanted.gather(1, target)
    target = torch.where(real, target, target[:, :1])
    many, flat = rows.repeat_interleave(count), target.flatten()
    if count > 1:
        step = _first_steps(problem, many, flat)
        size = problem.ball.size(step.flatten(1)).view(-1, count).masked_fill(~real, torch.inf)
        chosen = size.argsort(dim=1)[:, :kept] + torch.arange(len(rows), device=rows.device)[:, None] * count
        picked = chosen.flatten()
        return Aim(many[picked], flat[picked], step[picked])
    _, step = project_clean(problem, many, flat, torch.zeros_like(problem.images[many]))
    return Aim(many, flat, step)


def _first_steps(problem: Problem, rows: Tensor, target: Tensor) -> Tensor:
    """`project_clean` from the clean images, a few rows at a time: nine classes of a large image fill a memory."""
    size = max(1, BATCH_VALUES // problem.images[0].numel())
    parts = [
        project_clean(problem, some, target[start : start + size], torch.zeros_like(problem.images[some]))[1]
        for start in range(0, len(rows), size)
        for some in (rows[start : start + size],)
    ]
    return torch.cat(parts)


def project_clean(problem: Problem, rows: Tensor, target: Tensor, delta: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest change of the clean image that crosses the boundary as seen from clean + delta.

    Returns:
        The logits at clean + delta (r, k), and the change (r, c, h, w).
    """
    clean = problem.images[rows]
    here = problem.gradient(clean + delta, rows, lambda logits, rows: gap(logits, problem.wanted[rows], target))
    slope = here.gradient.flatten(1).double()
    values = here.values.double().nan_to_num(0.0)  # of a pass that the budget no longer allowed
    deficit = (values - (slope * delta.flatten(1).double()).sum(1)) * OVERSHOOT
    return here.logits, _reach(problem.ball, -slope, deficit, clean.flatten(1)).view_as(clean)


def _reach(ball: Ball, normal: Tensor, deficit: Tensor, clean: Tensor) -> Tensor:
    return ball.reach(normal, deficit, room_along(normal, clean.double())).to(clean.dtype)
