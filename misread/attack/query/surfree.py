"""Decision-based search for ``l2`` in planes through the clean image, after SurFree, arXiv 2011.12807."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final

from misread.attack.query.cosines import directions
from misread.attack.query.drive import Place, decide
from misread.attack.query.starts import check_decision, check_starts, find_start, from_boundary

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm

GROUP: Final = 8
"""Directions that are turned to between two looks at the distance."""
FIRST_ANGLE: Final = 0.1
LEAST_ANGLE: Final = 1e-3
WIDEST: Final = 1.2
MEMORY: Final = 0.95
REACH: Final = 0.4
"""How far aside a direction is tried, as a share of the distance."""
LEAST_REACH: Final = 0.02
NEAR: Final = 1e-3
ROUNDING: Final = 0.4 / 255
"""What rounding adds to or takes from a distance on the grid."""
FLAT: Final = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class Surfree:
    """Turns the change towards one direction after the other until it stands square on the boundary.

    It learns from each answer only whether the goal was reached. As in the paper, clean image, current image and a
    direction span a plane in which the nearest boundary point follows from one angle. The paper looks for it along the
    circle over the change, where a small turn leaves the boundary by the square of its angle, which rounding to 256
    levels hides; here it is found by stepping far aside, where it shows in proportion. Directions are waves, slow ones
    first and then all of them, so that a straight boundary is known when each was had once. After every eight the
    distance is measured anew; turns that did not bring the boundary nearer are taken back, and the steps aside shrink.

    Attributes:
        queries: Most passes per image. Not counted are the two that `execute` judges by.
        tries: Most of them that look for a start; where none is found, the image is given up.
        start: (m, c, h, w) in [0, 1], tried first as starts; images of the wanted class where the goal is a target.

    Raises:
        OptionError: fewer than 2 queries or no try, or starts that are no images.
    """

    name: ClassVar[str] = "surfree"
    kind: ClassVar[Kind] = "minimal"
    norms: ClassVar[tuple[Norm, ...]] = ("l2",)

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
        part = yield from from_boundary(place, start, NEAR)
        change = part * (start - place.clean)
        slack = ROUNDING if place.grid else 0.0
        usual, reach = FIRST_ANGLE, REACH
        for level in directions(place):
            idle = True
            while group := list(islice(level, GROUP)):
                before = float(change.norm())
                view = _View(place.clean, change / max(before, FLAT), before)
                for direction in group:
                    side = view.across(direction)
                    if side is None:
                        continue
                    idle = False
                    view, angle = yield from view.turn(side, reach, usual)
                    usual = max(LEAST_ANGLE, MEMORY * usual + (1 - MEMORY) * angle)
                if idle:
                    continue
                distance = yield from view.measure(before)
                if distance < before + slack:
                    change, reach = view.along(distance) - place.clean, min(REACH, 1.2 * reach)
                else:
                    reach = max(LEAST_REACH, reach / 2)
            if idle:  # one free value alone: nothing to turn to, and no question that would end the search
                return


@dataclass(frozen=True, slots=True)
class _View:
    """A way out of the clean image: its direction (length 1) and the distance at which the boundary is expected."""

    clean: Tensor
    ahead: Tensor
    distance: float

    def along(self, distance: float) -> Tensor:
        """The image at a distance."""
        return (self.clean + distance * self.ahead).clamp(0, 1)

    def across(self, direction: Tensor) -> Tensor | None:
        """The part of a direction that is square to the way, of length 1; None where there is next to nothing."""
        side = direction - (direction * self.ahead).sum() * self.ahead
        length = float(side.norm())
        return None if length < FLAT else side / length

    def turn(self, side: Tensor, reach: float, usual: float) -> Generator[Tensor, bool, tuple[_View, float]]:
        """Turn to the boundary as it lies in the plane of the way and a direction.

        A straight boundary that is tilted by an angle passes through the image that is as far back along the way as the
        angle's tangent times the step aside. Each answer says on which side of such an image the angle lies.

        Args:
            side: (c, h, w) of length 1, square to the way.
            reach: Step aside as a share of the distance.
            usual: Angle in radians that is tried first.

        Returns:
            The turned view, and the angle.
        """
        aside = reach * self.distance

        def at(angle: float) -> Tensor:
            return (self.clean + (self.distance - aside * math.tan(angle)) * self.ahead + aside * side).clamp(0, 1)

        if not (yield at(0.0)):
            side = side.neg()
        low, high = 0.0, usual
        while high < WIDEST and (yield at(high)):
            low, high = high, 2 * high
        while high - low > usual / 2:
            middle = (low + high) / 2
            if (yield at(middle)):
                low = middle
            else:
                high = middle
        angle = min((low + high) / 2, WIDEST)
        ahead = self.ahead * math.cos(angle) + side * math.sin(angle)
        return replace(self, ahead=ahead / ahead.norm(), distance=self.distance * math.cos(angle)), angle

    def measure(self, most: float) -> Generator[Tensor, bool, float]:
        """The smallest distance seen to reach the goal, near the expected one; infinite where it is well over ``most``.

        Args:
            most: The distance to beat.
        """
        step = max(0.3 * (most - self.distance), NEAR * most)
        low = high = self.distance
        if (yield self.along(high)):
            low = high - step
            while low > 0 and (yield self.along(low)):
                high, step = low, 2 * step
                low = high - step
        else:
            high = low + step
            while not (yield self.along(high)):
                low, step = high, 2 * step
                high = low + step
                if low > most + ROUNDING:
                    return math.inf
        while high - low > NEAR * high:
            middle = (low + high) / 2
            if (yield self.along(middle)):
                high = middle
            else:
                low = middle
        return high
