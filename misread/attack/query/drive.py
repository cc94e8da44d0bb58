"""Many searches, each over one image and one question at a time, asked together.

A search is a generator: it yields an image and is sent the answer. So it is written as if it were alone, it cannot see
its neighbours, and when it ends or has spent its queries the others go on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import torch
from torch import Tensor

from misread.attack.goal import achieved, margin
from misread.attack.query.stream import stream_of
from misread.attack.threat import FULL_SCALE

if TYPE_CHECKING:
    from misread.attack.problem import Problem

BATCH_VALUES: Final = 2**23
"""Most pixel values in one batch of questions."""
LAST_BIT: Final = 1e-6

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a search knows: one image, where it may change, and a generator of its own.

    Attributes:
        clean: (c, h, w) in [0, 1].
        free: (c, h, w) bool, the values that may change.
        grid: Whether every question is brought to the 256 levels.
        stream: The search's randomness.
    """

    clean: Tensor
    free: Tensor
    grid: bool
    stream: torch.Generator

    def uniform(self, *size: int) -> Tensor:
        """Draws from [0, 1) in the image's own type, on its device."""
        return torch.rand(size, generator=self.stream, dtype=torch.float64).to(self.clean)

    def index(self, count: int) -> int:
        """A whole number from 0 to ``count`` - 1."""
        return int(torch.randint(count, (1,), generator=self.stream))

    def order(self, count: int) -> list[int]:
        """0 to ``count`` - 1 in random order."""
        order: list[int] = torch.randperm(count, generator=self.stream).tolist()
        return order


Search = Callable[[Place], Generator[Tensor, A, None]]
"""Begins to search an image: yields images (c, h, w) and is sent the answer to each."""


def decide(problem: Problem, queries: int, search: Search[bool]) -> Tensor:
    """Run searches that are told no more than whether the goal was reached, of images outside the ball too.

    See `score` for the rest.
    """
    return _drive(problem, queries, search, _on_grid, lambda logits, wanted: achieved(logits, wanted).tolist())


def score(problem: Problem, queries: int, search: Search[float]) -> Tensor:
    """Run searches that are told the margin of each image they yield, settled; NaN where an answer is not finite.

    Args:
        problem: Whose open images are searched, one search each. Every success inside the ball is offered; all rows are
            closed at the end, since the last image has been asked about.
        queries: Most passes per image. Off the grid one of them is held back, for what an offer may cost there.
        search: Begins the search of an image.

    Returns:
        (n, c, h, w), the best images.
    """
    return _drive(problem, queries, search, lambda problem, x, rows: problem.settle(x, rows).images, _margins)


def _on_grid(problem: Problem, x: Tensor, rows: Tensor) -> Tensor:
    """The nearest images that a file can hold, wherever the ball ends."""
    x = x.clamp(0, 1)
    if problem.mask is not None:
        x = torch.where(problem.mask[rows], x, problem.images[rows])
    return x if problem.threat.levels is None else (x * FULL_SCALE).round() / FULL_SCALE


def _margins(logits: Tensor, wanted: Tensor) -> list[float]:
    values: list[float] = torch.where(torch.isfinite(logits).all(1), margin(logits, wanted), torch.nan).tolist()
    return values


@dataclass(slots=True)
class _Running(Generic[A]):
    """A search and the question that it waits to have answered."""

    row: int
    search: Generator[Tensor, A, None]
    question: Tensor


def _drive(
    problem: Problem,
    queries: int,
    search: Search[A],
    shown: Callable[[Problem, Tensor, Tensor], Tensor],
    answers: Callable[[Tensor, Tensor], list[A]],
) -> Tensor:
    rows = problem.open()
    stop = (problem.forwards + queries - (0 if problem.threat.levels else 1)).tolist()
    running = list(_begin(problem, rows, search))
    while running:
        told = [answer for batch in _batches(running) for answer in answers(*_ask(problem, batch, shown))]
        spent, still = problem.forwards.tolist(), set(problem.open().tolist())
        going = []
        for one, answer in zip(running, told, strict=True):
            if one.row in still and spent[one.row] < stop[one.row]:
                question = _next(one.search, answer)
                if question is not None:
                    one.question = question
                    going.append(one)
        running = going
    problem.close(problem.open())
    return problem.best


def _begin(problem: Problem, rows: Tensor, search: Search[A]) -> Iterator[_Running[A]]:
    if len(rows) == 0:
        return
    mask, grid = problem.mask, problem.threat.levels is not None
    for row, draw in zip(rows.tolist(), problem.uniform(rows), strict=True):
        clean = problem.images[row]
        free = torch.ones_like(clean, dtype=torch.bool) if mask is None else mask[row]
        if free.any():
            begun = search(Place(clean=clean, free=free, grid=grid, stream=stream_of(draw)))
            question = next(begun, None)
            if question is not None:
                yield _Running(row, begun, question)


def _next(search: Generator[Tensor, A, None], answer: A) -> Tensor | None:
    try:
        return search.send(answer)
    except StopIteration:
        return None


def _batches(running: list[_Running[A]]) -> Iterator[list[_Running[A]]]:
    size = max(1, BATCH_VALUES // running[0].question.numel())
    for start in range(0, len(running), size):
        yield running[start : start + size]


def _ask(
    problem: Problem, batch: list[_Running[A]], shown: Callable[[Problem, Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """One pass for each search: logits (r, k) and the wanted classes (r, k); a new smallest success is offered."""
    rows = torch.tensor([one.row for one in batch], device=problem.images.device)
    x = shown(problem, torch.stack([one.question for one in batch]).to(problem.images), rows)
    logits, wanted = problem.forward(x, rows), problem.wanted[rows]
    hit = achieved(logits, wanted)
    if hit.any():
        _offer(problem, x[hit], rows[hit], logits[hit])
    return logits, wanted


def _offer(problem: Problem, x: Tensor, rows: Tensor, logits: Tensor) -> None:
    """Offer what lies inside the ball and is smaller than the best so far.

    Settling moves it by the last bit at most, and on the grid not at all: there the offer costs no pass.
    """
    settled = problem.settle(x, rows)
    moved = (settled.images - x).abs().flatten(1).amax(1)
    worth = (moved <= (LAST_BIT if problem.threat.levels is None else 0)) & (settled.size < problem.size[rows])
    if worth.any():
        problem.offer(x[worth], rows[worth], logits=logits[worth])
