"""The problem as an attack sees it through stages: the same in all but its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from misread.attack.problem import Gradient
from misread.attack.query.stream import stream_of
from misread.attack.speed.passes import slopes

if TYPE_CHECKING:
    from misread.attack.problem import Problem
    from misread.attack.transfer.stage import Stage

TINY = 1e-30


class View:
    """A problem whose gradient goes through stages. What is not named here is the problem's own.

    Attributes:
        held: (n, c, h, w) the last image of each row that was offered, where offers are held back.
    """

    def __init__(self, problem: Problem, stages: tuple[Stage, ...], *, hold: bool) -> None:
        """Begin with a stream for each image.

        Args:
            problem: The problem.
            stages: In the order in which copies and gradients go through them.
            hold: Keep offers back and call none of them a success, so that the attack runs to its end: the change that
                transfers best is not the first that suffices here.
        """
        self._problem, self._stages, self._hold = problem, stages, hold
        rows = torch.arange(len(problem.images), device=problem.images.device)
        self._streams = [stream_of(draw) for draw in problem.uniform(rows)] if len(rows) else []
        self._told: dict[tuple[int, int], list[Tensor]] = {}
        self.held = problem.images.clone()

    def __getattr__(self, name: str) -> Any:
        """The problem's own."""
        return getattr(self._problem, name)

    def offer(self, x: Tensor, rows: Tensor, *, logits: Tensor | None = None) -> Tensor:  # noqa: ARG002 - see below
        """Offer candidates to the plain model, or hold them back; the logits known here are those of copies."""
        if not self._hold:
            return self._problem.offer(x, rows)
        self.held[rows] = x.detach()
        return torch.zeros_like(rows, dtype=torch.bool)

    def gradient(self, x: Tensor, rows: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Gradient:
        """The filtered mean over all copies; see `Problem.gradient`.

        Each copy costs a pass. What the budget no longer allows is left out of the mean; a row without any copy has NaN
        for logits and value, and gradient 0.
        """
        problem, copies = self._problem, math.prod(stage.copies for stage in self._stages)
        logits, values, total = (torch.zeros((), dtype=x.dtype, device=x.device) for _ in range(3))
        count = torch.zeros_like(rows)
        for number in range(copies):
            allowed = problem.affordable(rows)
            if not allowed.any():
                break
            here = self._pass(x, rows, number, allowed, loss)
            logits, values, total = logits + here.logits, values + here.values, total + here.gradient
            count += allowed
            problem.forwards.index_add_(0, rows, allowed.to(rows.dtype))
            problem.backwards.index_add_(0, rows, allowed.to(rows.dtype))
        mean = count.clamp_min(1).to(x.dtype)
        gradient = self._filtered(total.expand_as(x) / mean.view(-1, 1, 1, 1), rows)
        nothing = (gradient.flatten(1).abs().amax(1) == 0) & (count > 0)
        problem.zero_gradients.index_add_(0, rows, nothing.to(rows.dtype))
        seen = torch.where(count > 0, 1.0, torch.nan).to(x.dtype) / mean
        classes = problem.wanted.shape[1]
        return Gradient(logits.expand(len(rows), classes) * seen[:, None], values.expand(len(rows)) * seen, gradient)

    def _pass(
        self, x: Tensor, rows: Tensor, number: int, allowed: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
    ) -> Gradient:
        """One copy of each row; 0 everywhere for rows that are not allowed. The loss sees all rows."""
        point, places = x.detach().requires_grad_(), allowed.nonzero().flatten()
        with torch.enable_grad():
            copy = point
            for stage in self._stages:
                number, one = divmod(number, stage.copies)
                copy = stage.copy(copy, one, lambda count: self._draw(rows, count))
        classes = self._problem.wanted.shape[1]
        logits, values, slope = slopes(
            self._problem.model, copy.detach(), places, classes, lambda logits: loss(logits, rows)
        )
        (raw,) = torch.autograd.grad(copy, point, slope) if copy.requires_grad else (torch.zeros_like(x),)
        gradient = torch.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0)
        logits, values = logits.to(x.dtype), values.to(x.dtype)
        return Gradient(torch.where(allowed[:, None], logits, 0.0), torch.where(allowed, values, 0.0), gradient)

    def _draw(self, rows: Tensor, count: int) -> Tensor:
        draws = [torch.rand(count, generator=self._streams[row], dtype=torch.float64) for row in rows.tolist()]
        return torch.stack(draws)

    def _filtered(self, gradient: Tensor, rows: Tensor) -> Tensor:
        """Through every stage's filter, at the length that it had: some attacks read distances off it."""
        turn: dict[int, int] = {}
        keys = []
        for row in rows.tolist():
            turn[row] = turn.get(row, -1) + 1
            keys.append((row, turn[row]))
        nothing = [torch.zeros_like(gradient[0])] * len(self._stages) if len(rows) else []
        before = [self._told.get(key, nothing) for key in keys]
        told = gradient
        steps = []
        for place, stage in enumerate(self._stages):
            told = stage.filtered(told, torch.stack([one[place] for one in before]))
            steps.append(told)
        for place, key in enumerate(keys):
            self._told[key] = [step[place] for step in steps]
        if self._problem.mask is not None:
            told = told * self._problem.mask[rows]
        length = gradient.abs().mean((1, 2, 3), keepdim=True)
        return told * (length / told.abs().mean((1, 2, 3), keepdim=True).clamp_min(TINY))
