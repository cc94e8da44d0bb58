"""Square attack, arXiv 1912.00049: random windows, kept where they help. Here is ``linf``, at the ends of the ball."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import torch
from torch import Tensor

from misread.attack.goal import achieved, margin
from misread.attack.query import square_l2
from misread.attack.query.drive import Place, score
from misread.attack.query.stream import stream_of
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Generator

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

HALVED_AT: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of a run after which the windows' area is halved; the paper's iterations over its 10,000."""
_BLOCK: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Square:
    """Random search that asks for logits only; for ``l2`` see `square_l2`.

    A run for ``linf`` starts from vertical stripes, each at one end of the ball. Then every query moves one window of
    every image, each image its own, to one end of the ball per channel, and keeps what does not raise the margin: a tie
    is kept, since a quantised build answers in plateaus. Unlike the reference code it rescales the schedule of areas
    to the budget, reaches the last row and column, and spends no query on a window that changes nothing where the
    opposite one would.

    Attributes:
        queries: Most passes per image, all restarts together. Not counted are the two that `execute` judges by.
        p_init: First area of the windows as a share of the area that may change, in (0, 1].
        restarts: Independent runs that share the queries evenly; later ones work on the images still read right.

    Raises:
        OptionError: no query for a restart, or a share outside (0, 1].
    """

    name: ClassVar[str] = "square"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")

    queries: int = 5000
    p_init: float = 0.8
    restarts: int = 1

    def __post_init__(self) -> None:
        """Refuse runs without two queries: off the grid the second confirms what the first finds."""
        if not (self.restarts >= 1 and self.queries >= 2 * self.restarts):
            message = f"each restart needs at least 2 queries, got {self.queries} for {self.restarts} restarts"
            raise OptionError(message)
        if not 0 < self.p_init <= 1:
            message = f"p_init is a share of the image's area in (0, 1], got {self.p_init}; write for instance 0.8"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Run the restarts one after another; see `Attack.propose`.

        Every row is closed at the end: its last iterate has been asked about, and one pass more would leave the budget.
        """
        if problem.threat.norm == "l2":
            return score(problem, self.queries, lambda place: self._restarts(place, problem.threat.radius))
        budget = self.queries // self.restarts
        for _ in range(self.restarts):
            rows = problem.open()
            if len(rows) == 0:
                break
            run = _Run(problem, rows, budget)
            run.ask(run.best)
            for number in range(1, budget):
                if len(run.rows) == 0:
                    break
                run.ask(run.moved(number, share_of(number / budget, self.p_init)))
        problem.close(problem.open())
        return problem.best

    def _restarts(self, place: Place, radius: float) -> Generator[Tensor, float, None]:
        """The runs of one image for ``l2``."""
        budget = self.queries // self.restarts
        for _ in range(self.restarts):
            yield from square_l2.search(place, radius, budget, lambda progress: share_of(progress, self.p_init))


def share_of(progress: float, first: float) -> float:
    """Area of the windows after a share ``progress`` of a run that began with ``first``."""
    share: float = first / 2 ** bisect_left(HALVED_AT, progress)
    return share


class _Run:
    """One run over several images; whatever belongs to an image that is done leaves with it."""

    def __init__(self, problem: Problem, rows: Tensor, budget: int) -> None:
        """Find both ends of the ball, cut by box, mask and grid, and draw the stripes."""
        clean, radius = problem.images[rows], problem.threat.radius
        draw = problem.uniform(rows)
        self.problem, self.rows = problem, rows
        self.low = problem.settle(clean - radius, rows).images
        self.high = problem.settle(clean + radius, rows).images
        self.frame = _frame((self.low != self.high).any(1))
        self.streams = [stream_of(one) for one in draw]
        self.draws = torch.empty(0)
        self.best = torch.where(draw[:, :, :1] < 0, self.low, self.high)
        self.value = torch.full((len(rows),), torch.inf, device=rows.device)
        # On the grid a candidate is its own settled image. Off it rounding may move it, and an offer costs a pass more.
        self.exact = problem.threat.levels is not None
        self.stop = problem.forwards[rows] + budget - (1 if self.exact else 2)
        self._keep((self.low != self.high).flatten(1).any(1))

    def moved(self, number: int, share: float) -> Tensor:
        """The best images so far, each with one window moved to one end of the ball per channel."""
        if (number - 1) % _BLOCK == 0:
            size = (_BLOCK, 2 + self.best.shape[1])
            drawn = [torch.rand(size, generator=stream, dtype=torch.float64) for stream in self.streams]
            self.draws = torch.stack(drawn).to(self.best.device)
        draw = self.draws[:, (number - 1) % _BLOCK]
        window = _windows(self.frame, draw[:, :2], share, self.best.shape[2:])
        rises = (draw[:, 2:] < 0.5)[:, :, None, None]
        x = torch.where(window, torch.where(rises, self.high, self.low), self.best)
        idle = (x == self.best).flatten(1).all(1)
        if idle.any():
            x = torch.where(window, torch.where(rises ^ idle.view(-1, 1, 1, 1), self.high, self.low), self.best)
        return x

    def ask(self, x: Tensor) -> None:
        """Spend one query on each image, keep what helped, and offer what is misread."""
        wanted = self.problem.wanted[self.rows]
        logits = self.problem.forward(x, self.rows)
        value = margin(logits, wanted).to(self.value.dtype)
        better = (value <= self.value) & torch.isfinite(value)
        self.best = torch.where(better.view(-1, 1, 1, 1), x, self.best)
        self.value = torch.where(better, value, self.value)
        found = achieved(logits, wanted)
        if found.any():
            known = logits[found] if self.exact else None
            found[found.clone()] = self.problem.offer(x[found], self.rows[found], logits=known)
        more = (self.problem.forwards[self.rows] <= self.stop) & self.problem.affordable(self.rows)
        self._keep(~found & more)

    def _keep(self, keep: Tensor) -> None:
        if keep.all():
            return
        self.streams = [stream for stream, kept in zip(self.streams, keep.tolist(), strict=True) if kept]
        self.draws = self.draws[keep] if len(self.draws) else self.draws
        self.rows, self.low, self.high, self.frame = self.rows[keep], self.low[keep], self.high[keep], self.frame[keep]
        self.best, self.value, self.stop = self.best[keep], self.value[keep], self.stop[keep]


def _windows(frame: Tensor, draw: Tensor, share: float, size: torch.Size) -> Tensor:
    """One window for each image, (r, 1, h, w) bool: a square of the wanted area, longer where a side is too short.

    Args:
        frame: (r, 4) float64 top, left, height, width of the part that may change.
        draw: (r, 2) from [0, 1), where the window lies.
        share: Its area over the frame's.
        size: (h, w).
    """
    top, left, height, width = frame.unbind(1)
    area = share * height * width
    side = area.sqrt()
    tall = torch.where(side > width, area / width, side).round().clamp_min(1).minimum(height)
    wide = torch.where(side > height, area / height, side).round().clamp_min(1).minimum(width)
    first_row = top + (draw[:, 0] * (height - tall + 1)).floor()
    first_column = left + (draw[:, 1] * (width - wide + 1)).floor()
    rows = _between(first_row, tall, size[0])
    columns = _between(first_column, wide, size[1])
    return rows[:, None, :, None] & columns[:, None, None, :]


def _between(first: Tensor, count: Tensor, size: int) -> Tensor:
    """(r, size) bool, True at ``count`` places from ``first`` on."""
    place = torch.arange(size, device=first.device)
    return (place >= first[:, None]) & (place < (first + count)[:, None])


def _frame(free: Tensor) -> Tensor:
    """Top, left, height, width of the smallest box around the pixels of ``free`` (r, h, w), as (r, 4) float64."""
    sides = []
    for line in (free.any(2).int(), free.any(1).int()):
        first, last = line.argmax(1), line.shape[1] - line.flip(1).argmax(1)
        sides.append((first, last - first))
    (top, height), (left, width) = sides
    return torch.stack([top, left, height, width], 1).double()
