"""Put pixels back, those that matter least first, as many at once as the success bears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from misread.attack.goal import margin

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem

ROUNDS = 6
PROBES = 6


def undo_pixels(problem: Problem) -> None:
    """Make the best images of l0 sparser, by offers.

    Each round moves the changed pixels to the walls of the box where that helps, which costs nothing in l0, orders
    them by what the linearised margin loses without them, and searches by bisection how many can be put back.
    """
    for _ in range(ROUNDS):
        rows = problem.open()
        before = problem.size[rows]
        rows, before = rows[torch.isfinite(before)], before[torch.isfinite(before)]
        if len(rows) == 0:
            return
        base, harm, spare = _pushed(problem, rows)
        _search(problem, rows, base, harm, spare)
        problem.close(rows[problem.size[rows] >= before])


def _pushed(problem: Problem, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The best images (r, c, h, w), pushed to the walls where that helps; harm of each pixel (r, hw); spare margin."""
    clean, best = problem.images[rows], problem.best[rows]
    here = problem.gradient(best, rows, lambda logits, rows: margin(logits, problem.wanted[rows]))
    changed = (best != clean).any(1, keepdim=True) & (here.gradient != 0)
    wall = torch.where(changed, (here.gradient < 0).to(best.dtype), best)
    ahead = margin(problem.forward(wall, rows), problem.wanted[rows])
    helps = ahead < here.values
    problem.offer(wall[helps], rows[helps])
    base = torch.where(helps.view(-1, 1, 1, 1), wall, best)
    harm = -(here.gradient * (base - clean)).sum(1).flatten(1)
    return base, harm, -torch.where(helps, ahead, here.values)


def _search(problem: Problem, rows: Tensor, base: Tensor, harm: Tensor, spare: Tensor) -> None:
    """Bisect on the number of pixels put back; the first guess is what the linearised margin bears."""
    clean = problem.images[rows]
    changed = (base != clean).any(1).flatten(1)
    order = harm.masked_fill(~changed, torch.inf).argsort(dim=1)
    place = order.argsort(dim=1)
    low, high = torch.zeros_like(rows), changed.sum(1)
    lost = harm.gather(1, order).masked_fill(~changed.gather(1, order), torch.inf).cumsum(1)
    guess = (lost < spare[:, None]).sum(1)
    for _ in range(PROBES):
        going = (high - low > 1).nonzero().flatten()
        if len(going) == 0:
            return
        guess = torch.maximum(torch.minimum(guess, high - 1), low + 1)
        back = (place < guess[:, None]).view(len(rows), 1, *clean.shape[2:])
        hit = problem.offer(torch.where(back, clean, base)[going], rows[going])
        low[going] = torch.where(hit, guess[going], low[going])
        high[going] = torch.where(hit, high[going], guess[going])
        guess = (low + high) // 2
