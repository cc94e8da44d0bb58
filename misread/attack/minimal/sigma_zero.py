"""Fewer and fewer pixels, arXiv 2402.01879: a smooth count of pixels, and a threshold that follows the success.

Two things differ from the paper. The margin's gradient and the count's are brought to the same size apart from each
other, so the scale of the logits changes nothing; and the count is one of pixels, whatever channels of them change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from misread.attack.goal import margin
from misread.attack.gradient.start import into

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Problem

MOMENTUM = 0.9
SQUARES = 0.999


@dataclass(frozen=True, kw_only=True, slots=True)
class SigmaZero:
    """The schedule; the defaults are the paper's.

    Attributes:
        steps: Gradient passes.
        move: First step of a value; it falls along a cosine to a tenth.
        softness: Squared length at which a pixel counts half.
        threshold: Largest change of a value below which its pixel is put back, at first.
        change: Of the threshold after each step, as a share of the step.
    """

    steps: int = 40
    move: float = 1.0
    softness: float = 1e-3
    threshold: float = 0.3
    change: float = 0.01

    def walk(self, problem: Problem, rows: Tensor, delta: Tensor) -> Tensor:
        """Walk, offering every success.

        Args:
            problem: Where.
            rows: Images, (r,); several starts of one image share its best.
            delta: Starts, (r, c, h, w).

        Returns:
            The last changes, (r, c, h, w).
        """
        clean = problem.images[rows]
        threshold = torch.full_like(delta[:, :1, :1, :1], self.threshold)
        mean, square = torch.zeros_like(delta), torch.zeros_like(delta)
        for number in range(self.steps):
            move = self.move * (0.55 + 0.45 * math.cos(math.pi * number / self.steps))
            seen = problem.settle(clean + delta, rows).images
            here = problem.gradient(seen, rows, lambda logits, rows: margin(logits, problem.wanted[rows]))
            hit = here.values < 0
            if hit.any():
                problem.offer(seen[hit], rows[hit], logits=here.logits[hit])
            reached = hit.view(-1, 1, 1, 1)
            slope = torch.where(reached, _unit(self._count(delta)), _unit(here.gradient))
            mean = MOMENTUM * mean + (1 - MOMENTUM) * slope
            square = SQUARES * square + (1 - SQUARES) * slope.square()
            scale = (square / (1 - SQUARES ** (number + 1))).sqrt() + 1e-8
            ahead = into(delta - move * mean / (1 - MOMENTUM ** (number + 1)) / scale, clean)
            threshold = (threshold + torch.where(reached, move, -move) * self.change).clamp(0, 1)
            delta = ahead * (ahead.abs().amax(1, keepdim=True) >= threshold)
        problem.offer(clean + delta, rows)
        return delta

    def _count(self, delta: Tensor) -> Tensor:
        """Gradient of the smooth count sum s / (s + softness), s the squared length of a pixel's change."""
        length = delta.square().sum(1, keepdim=True)
        return 2 * delta * self.softness / (length + self.softness).square()


def _unit(slope: Tensor) -> Tensor:
    """Largest entry 1, or 0 where all are."""
    return slope / slope.abs().amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(slope.dtype).tiny)
