"""Sparse-RS, arXiv 2006.12834, for ``l0``: a set of pixels at corners of the colour cube, exchanged at random."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import torch

from misread.attack.query.drive import Place, score
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

SHRUNK_AT: Final = (0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of a run after which fewer pixels are exchanged; the paper's 50 to 8,000 of 10,000 queries."""
DIVISORS: Final = (2, 4, 5, 6, 8, 10, 12, 15, 20)
"""What the share of exchanged pixels is divided by before the first, between them, and after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SparseRs:
    """Keeps as many changed pixels as eps allows, and exchanges some of them in each query where that does no harm.

    A tie is kept, since a quantised build answers in plateaus. The exchanged share falls on the paper's schedule, here
    scaled to the queries. A pixel's new colour is always another corner of the colour cube than its clean one or its
    present one, so no query repeats the last.

    Attributes:
        queries: Most passes per image. Not counted are the two that `execute` judges by.
        share: First share of the changed pixels that a query exchanges, in (0, 1]; the paper takes 0.3, and 0.1 where
            the goal is a target.

    Raises:
        OptionError: fewer than 2 queries, or a share outside (0, 1].
    """

    name: ClassVar[str] = "sparse-rs"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = ("l0",)

    queries: int = 5000
    share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if not self.queries >= 2:
            message = f"a search needs at least 2 queries, got {self.queries}"
            raise OptionError(message)
        if not 0 < self.share <= 1:
            message = f"share is a part of the changed pixels in (0, 1], got {self.share}; the paper takes 0.3"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Search each image until it is misread or its queries are spent; see `Attack.propose`."""
        count = int(min(problem.threat.radius, problem.images[0, 0].numel()))
        return score(problem, self.queries, lambda place: self._search(place, count))

    def _search(self, place: Place, count: int) -> Generator[Tensor, float, None]:
        inside, outside = _dealt(place, place.free.any(0).flatten().nonzero().flatten()).tensor_split([count])
        best = _painted(place, place.clean, inside)
        value = yield best
        for number in range(1, self.queries):
            divisor = DIVISORS[bisect_left(SHRUNK_AT, number / self.queries)]
            swapped = max(1, int(len(inside) * self.share / divisor))
            inside, outside = _dealt(place, inside), _dealt(place, outside)
            fresh = outside[:swapped]
            gone = inside[: len(fresh)]
            x = _painted(place, _cleaned(place, best, gone), fresh if len(fresh) else inside[:swapped])
            new = yield x
            if new <= value or math.isnan(value):
                best, value = x, new
                inside, outside = torch.cat([inside[len(gone) :], fresh]), torch.cat([outside[len(fresh) :], gone])


def _dealt(place: Place, pixels: Tensor) -> Tensor:
    """Pixels in random order."""
    return pixels[torch.tensor(place.order(len(pixels)), dtype=torch.int64, device=pixels.device)]


def _cleaned(place: Place, x: Tensor, pixels: Tensor) -> Tensor:
    """An image (c, h, w) with some pixels, numbers into h * w, as they were."""
    flat = x.flatten(1).clone()
    flat[:, pixels] = place.clean.flatten(1)[:, pixels]
    return flat.view_as(x)


def _painted(place: Place, x: Tensor, pixels: Tensor) -> Tensor:
    """An image (c, h, w) with some pixels at random corners of the colour cube, none of them as it is in x."""
    flat, free = x.flatten(1).clone(), place.free.flatten(1)[:, pixels]
    present = flat[:, pixels]
    colour = torch.where(free, place.uniform(*present.shape).round(), present)
    turned = torch.where(free, place.uniform(*present.shape), -1.0).argmax(0)  # a channel that may change
    other = torch.arange(len(flat), device=flat.device)[:, None] == turned
    same = (colour == present).all(0)
    flat[:, pixels] = torch.where(other & same, (present < 0.5).to(flat.dtype), colour)
    return flat.view_as(x)
