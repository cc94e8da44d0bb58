"""What an attack gets: counted passes over the model, its own random streams, and an ear for offers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from misread.attack.budget import Budget
from misread.attack.goal import Goal, achieved
from misread.attack.project import Ball, ball_of
from misread.attack.settle import Settled, settle
from misread.attack.speed.passes import slopes
from misread.attack.threat import FULL_SCALE, Norm, Threat

Model = Callable[[Tensor], Tensor]
"""(n, c, h, w) in [0, 1] -> logits (n, k)."""
Confirm = Callable[[Tensor, Tensor], Tensor]
"""(images (r, c, h, w) on the grid, rows (r,)) -> (r,) bool: the deployed build misreads them too."""
Kind = Literal["fixed", "minimal"]
"""``fixed`` looks for any success inside eps and is done with an image at the first; ``minimal`` wants the smallest."""


class Attack(Protocol):
    """A frozen options object that proposes images. It never decides whether it succeeded."""

    name: ClassVar[str]
    kind: ClassVar[Kind]
    norms: ClassVar[tuple[Norm, ...]]

    def propose(self, problem: Problem) -> Tensor:
        """Look for misread images.

        Args:
            problem: Images, goal and threat, and the only way to the model. Offer promising iterates along the way:
                the best of them is kept, and an image that is finished leaves ``problem.open()``.

        Returns:
            (n, c, h, w), the last iterate; it is offered too.
        """
        ...


class Gradient(NamedTuple):
    """One gradient pass: logits (r, k), loss values (r,), gradient of the loss by the image (r, c, h, w)."""

    logits: Tensor
    values: Tensor
    gradient: Tensor


class Problem:
    """Images to be changed, one row each, with everything an attack may use.

    ``rows`` in the methods below are indices into the images, (r,) int64; they may repeat (several starts of one image
    in one batch). ``x`` is (r, c, h, w).

    Attributes:
        images: (n, c, h, w) clean images in [0, 1].
        labels: (n,) int64.
        wanted: (n, k) bool, the goal's classes.
        threat: What is allowed.
        mask: Bool (n, c, h, w) or None.
        model: The uncounted model; use `forward` and `gradient` unless the pass must go through something else first.
        best: (n, c, h, w) smallest settled success so far, the clean image where there is none.
        size: (n,) float64 its size, inf where there is none.
        forwards: (n,) passes spent on each image.
        backwards: (n,) gradient passes spent on each image.
        zero_gradients: (n,) how often the gradient was 0 everywhere.
        refused: (n,) offers that were not finite.
        proposed: (n,) bool, a candidate was seen to reach the goal, rounded or not.
        ball: The threat's norm, for images of these channels.
    """

    def __init__(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        *,
        threat: Threat,
        goal: Goal,
        kind: Kind,
        classes: int,
        mask: Tensor | None,
        seed: int,
        budget: Budget | None = None,
        confirm: Confirm | None = None,
    ) -> None:
        """Set all counters to zero."""
        self._confirm = confirm
        self.model, self.images, self.labels, self.threat, self.mask = model, images, labels, threat, mask
        self.ball: Ball = ball_of(threat.norm, images.shape[1])
        self._classes, self._passes = classes, (budget or Budget()).passes
        self._deadline = (budget or Budget()).deadline
        self.wanted = goal.wanted(labels, classes)
        self.best = images.clone()
        self.size = torch.full(labels.shape, float("inf"), dtype=torch.float64, device=images.device)
        self.forwards, self.backwards, self.zero_gradients, self.refused = (torch.zeros_like(labels) for _ in range(4))
        self._closed = torch.zeros_like(labels, dtype=torch.bool)
        self.proposed = torch.zeros_like(labels, dtype=torch.bool)
        self._stop_at_first = kind == "fixed"
        self._streams = [_stream(seed, image) for image in images]

    def open(self) -> Tensor:
        """Rows that are worth more work: all, less those that a fixed-budget attack has, are given up, or spent."""
        found = torch.isfinite(self.size) if self._stop_at_first else torch.zeros_like(self._closed)
        closed = found | self._closed
        if self._passes is not None:
            closed = closed | (self.forwards >= self._passes)
        if time.perf_counter() >= self._deadline:
            closed = torch.ones_like(closed)
        return (~closed).nonzero().flatten()

    def close(self, rows: Tensor) -> None:
        """Say that more work on these rows is of no use, so that they leave `open`."""
        self._closed[rows] = True

    def affordable(self, rows: Tensor) -> Tensor:
        """Which of these passes, one a row, the budget still allows, (r,) bool; of an image's many the first ones."""
        if time.perf_counter() >= self._deadline:
            return torch.zeros_like(rows, dtype=torch.bool)
        if self._passes is None:
            return torch.ones_like(rows, dtype=torch.bool)
        order = rows.argsort(stable=True)
        ranked = rows[order]
        first = torch.searchsorted(ranked, ranked, side="left")
        turn = torch.empty_like(rows).scatter(0, order, torch.arange(len(rows), device=rows.device) - first)
        return self.forwards[rows] + turn < self._passes

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits of x, (r, k); NaN, at no cost, for rows whose budget is spent."""
        allowed = self.affordable(rows)
        if not allowed.all():
            logits = torch.full((len(rows), self._classes), torch.nan, dtype=x.dtype, device=x.device)
            if allowed.any():
                logits[allowed] = self.forward(x[allowed], rows[allowed]).to(x.dtype)
            return logits
        self.forwards.index_add_(0, rows, torch.ones_like(rows))
        with torch.no_grad():
            return self.model(x)

    def gradient(self, x: Tensor, rows: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Gradient:
        """Gradient of each row's own loss; 0 outside the mask and where it is not finite.

        Rows whose budget is spent cost nothing: their logits and values are NaN, their gradient is 0.

        Args:
            x: Where.
            rows: Which images they belong to.
            loss: (logits (r, k), rows (r,)) -> (r,), each of its own row alone. A prepared model is asked in chunks:
                each time the loss sees all rows, those of other chunks as they are known by then or NaN.
        """
        allowed = self.affordable(rows)
        places = allowed.nonzero().flatten()
        logits, values, raw = slopes(self.model, x, places, self._classes, lambda logits: loss(logits, rows))
        gradient = torch.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0)
        if self.mask is not None:
            gradient = gradient * self.mask[rows]
        once = allowed.to(rows.dtype)
        self.forwards.index_add_(0, rows, once)
        self.backwards.index_add_(0, rows, once)
        self.zero_gradients.index_add_(0, rows, once * (gradient.flatten(1).abs().amax(1) == 0))
        return Gradient(logits, values, gradient)

    def settle(self, x: Tensor, rows: Tensor) -> Settled:
        """What `offer` would make of x."""
        mask = None if self.mask is None else self.mask[rows]
        return settle(self.images[rows], x.detach(), threat=self.threat, mask=mask)

    def offer(self, x: Tensor, rows: Tensor, *, logits: Tensor | None = None) -> Tensor:
        """Settle candidates, measure them, keep the smallest success of each image.

        Args:
            x: Candidates.
            rows: Which images they belong to.
            logits: Of x, (r, k), if known. They tell whether x reached the goal before rounding, and save the pass when
                settling leaves every candidate as it is. Not believed where gradient passes are rougher than others.

        Returns:
            (r,) bool: the settled candidate reaches the goal, on the deployed build too where one has a say.
        """
        if len(rows) == 0:
            return torch.zeros_like(rows, dtype=torch.bool)
        settled = self.settle(x, rows)
        self.refused.index_add_(0, rows, settled.refused.to(rows.dtype))
        if getattr(self.model, "rough", False):
            logits = None
        if logits is not None:
            self.proposed[rows[achieved(logits, self.wanted[rows]) & ~settled.refused]] = True
        if logits is None or not torch.equal(settled.images, x.detach()):
            logits = self.forward(settled.images, rows)
        hit = achieved(logits, self.wanted[rows]) & ~settled.refused
        self.proposed[rows[hit]] = True
        if self._confirm is not None and hit.any():
            hit[hit.clone()] = self._confirm(settled.images[hit], rows[hit])
        size = torch.where(hit, settled.size, torch.full_like(settled.size, float("inf")))
        record = self.size.scatter_reduce(0, rows, size, "amin")
        better = (size < self.size[rows]) & (size == record[rows])
        self.best[rows[better]] = settled.images[better]
        self.size = record
        return hit

    def uniform(self, rows: Tensor) -> Tensor:
        """Fresh draws from [-1, 1] of the images' shape, each from its image's own stream."""
        draws = [torch.rand(self.images.shape[1:], generator=self._streams[row]) for row in rows.tolist()]
        return torch.stack(draws).to(self.images).mul_(2).sub_(1)


def _stream(seed: int, image: Tensor) -> torch.Generator:
    """A generator that depends on the seed and on the image, not on its neighbours in the batch."""
    pixels = (image.detach().cpu() * FULL_SCALE).round().to(torch.uint8).numpy().tobytes()
    digest = hashlib.blake2b(pixels, digest_size=7, key=seed.to_bytes(8, "little")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
