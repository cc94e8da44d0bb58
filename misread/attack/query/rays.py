"""Decision-based search for ``linf`` over the signs of a change, after RayS, arXiv 2006.12792."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import torch
from torch import Tensor

from misread.attack.query.blocks import levels
from misread.attack.query.drive import Place, decide
from misread.attack.query.starts import check_decision, check_starts, find_start
from misread.attack.threat import FULL_SCALE

if TYPE_CHECKING:
    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

FAR: Final = 2.0
"""A change that only the radius bounds."""
FIRST_GAIN: Final = 0.05
LEAST_GAIN: Final = 2e-4
DEMANDED: Final = 0.5
"""Share of the usual gain that a flip must bring: it saves the bisection of those that bring none."""
MEMORY: Final = 0.9
USUAL: Final = 0.2
"""Share of accepted flips below which a level asked for too much, and the usual gain is halved."""
NEAR: Final = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Rays:
    """Flips the sign of blocks of the change, from the whole image down to single values, keeping what needs less.

    It learns from each answer only whether the goal was reached. A block is a part of the picture in all channels or in
    one. Unlike the paper it asks at a smaller radius at once instead of bisecting each flip that does no harm, and goes
    on from a given start of any form. On the grid a radius between two levels moves a fixed random part of the values
    by one level more, so the search does not stand still between whole levels.

    Attributes:
        queries: Most passes per image. Not counted are the two that `execute` judges by.
        tries: Most of them that look for a start; where none is found, the image is given up.
        start: (m, c, h, w) in [0, 1], tried first as starts; images of the wanted class where the goal is a target.

    Raises:
        OptionError: fewer than 2 queries or no try, or starts that are no images.
    """

    name: ClassVar[str] = "rays"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("linf",)

    queries: int = 10_000
    tries: int = 100
    start: Tensor | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        check_decision(self.queries, self.tries, self.start)

    def propose(self, problem: Problem) -> Tensor:
        """Search each image until its queries are spent; see `Attack.propose`.

        Raises:
            InputError: starts of another size than the images.
        """
        check_starts(problem, self.start)
        return decide(problem, self.queries, self._search)

    def _search(self, place: Place) -> Generator[Tensor, bool, None]:
        start = yield from find_start(place, self.start, self.tries)
        if start is None:
            return
        ray, change, gain = _Ray(place), start - place.clean, FIRST_GAIN
        radius = yield from ray.bisect(change, 0.0, float(change.abs().max()), NEAR)
        change = torch.where(change.abs() >= radius, change.sign() * FAR, change)
        for blocks in levels(place):
            asked = accepted = 0
            for block in blocks:
                flipped = torch.where(block, torch.where(change > 0, -FAR, FAR), change)
                wanted = radius * (1 - DEMANDED * gain)
                asked += 1
                if (yield ray.at(flipped, wanted)):
                    accepted += 1
                    change, before = flipped, radius
                    radius = yield from ray.shrink(change, wanted, gain)
                    gain = max(LEAST_GAIN, MEMORY * gain + (1 - MEMORY) * (1 - radius / before))
            if accepted < USUAL * asked:
                gain = max(LEAST_GAIN, gain / 2)


class _Ray:
    """The images on the way from the clean one along a change."""

    def __init__(self, place: Place) -> None:
        self.clean, self.grid = place.clean, place.grid
        self.dither = place.uniform(*place.clean.shape)

    def at(self, change: Tensor, radius: float) -> Tensor:
        """The image whose change is cut at the radius."""
        if not self.grid:
            return (self.clean + change.clamp(-radius, radius)).clamp(0, 1)
        reach = (radius * FULL_SCALE + self.dither).floor() / FULL_SCALE
        return (self.clean + torch.minimum(torch.maximum(change, -reach), reach)).clamp(0, 1)

    def bisect(self, change: Tensor, low: float, high: float, share: float) -> Generator[Tensor, bool, float]:
        """The smallest radius that is seen to reach the goal, to a share of itself; ``high`` is known to."""
        while high - low > share * high:
            middle = (low + high) / 2
            if (yield self.at(change, middle)):
                high = middle
            else:
                low = middle
        return high

    def shrink(self, change: Tensor, radius: float, gain: float) -> Generator[Tensor, bool, float]:
        """Go down from a radius that reaches the goal, by growing steps from the usual gain on, then bisect."""
        step = gain
        while step < 1 and (yield self.at(change, radius * (1 - step))):
            radius, step = radius * (1 - step), 2 * step
        return (yield from self.bisect(change, radius * (1 - min(step, 1.0)), radius, gain))
