"""What may be done to a sign: one small protocol, and the threats that follow it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

import torch

from misread.attack.physical.stickers import Spots, spots
from misread.attack.threat import Threat
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.physical.problem import PhysicalProblem

    #: (problem, point (3, h, w)) -> (3, h, w): gradient of the loss there, over captures drawn for the call.
    Gradient = Callable[[PhysicalProblem, Tensor], Tensor]


class PhysicalThreat(Protocol):
    """Narrows a problem whose mask is the whole sign down to what may be done to it."""

    name: ClassVar[str]

    @property
    def bound(self) -> Threat:
        """Of the change of any value, Linf."""

    def placed(self, problem: PhysicalProblem, gradient: Gradient) -> PhysicalProblem:
        """Return the problem with the pixels that may change; it may look for them with gradients over captures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeSign:
    """A small change of every pixel of the sign.

    Attributes:
        eps: Largest change of any value, a fraction of full scale.
    """

    name: ClassVar[str] = "sign"
    eps: float = 16 / 255

    @property
    def bound(self) -> Threat:
        """Of the change of any value."""
        return Threat(norm="linf", eps=self.eps)

    def placed(self, problem: PhysicalProblem, gradient: Gradient) -> PhysicalProblem:
        """Return the problem as it is."""
        del gradient
        return problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """Any colours in all of the mask that is given: what covers the sign, in any shape."""

    name: ClassVar[str] = "patch"

    @property
    def bound(self) -> Threat:
        """No bound but the colours there are."""
        return Threat(norm="linf", eps=1.0)

    def placed(self, problem: PhysicalProblem, gradient: Gradient) -> PhysicalProblem:
        """Return the problem with the mask covered."""
        del gradient
        return replace(problem, covers=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stickers:
    """A few rectangles on the sign, as RP2 finds them (arXiv 1707.08945): first the place, then the colours.

    The place is found by a search over the whole sign with an L1 cost, which leaves a change only where it is worth
    most; the rectangles cover the most of what is left.

    Attributes:
        area: Largest share of the sign that they may cover together.
        count: Number of rectangles.
        steps: Of the search for the place.

    Raises:
        OptionError: A share or number that makes no stickers.
    """

    name: ClassVar[str] = "stickers"
    area: float = 0.15
    count: int = 2
    steps: int = 16

    def __post_init__(self) -> None:
        """Refuse what sticks nothing; every comparison is written so that NaN fails."""
        if not (0 < self.area <= 1 and self.count >= 1 and self.steps >= 1):
            message = f"stickers cover a share of the sign in (0, 1], with at least 1 sticker and 1 step, got {self}"
            raise OptionError(message)

    @property
    def bound(self) -> Threat:
        """No bound but the colours there are."""
        return Threat(norm="linf", eps=1.0)

    def placed(self, problem: PhysicalProblem, gradient: Gradient) -> PhysicalProblem:
        """Return the problem with the stickers' pixels as its mask.

        Raises:
            OptionError: The sign is too small for stickers of this area.
        """
        delta = torch.zeros_like(problem.picture)
        total = torch.zeros(problem.mask.shape)
        for step in range(self.steps):
            raw = torch.nan_to_num(gradient(problem, problem.picture + delta), posinf=0.0, neginf=0.0) * problem.mask
            # A proximal step: in the gradient's own unit, then shrunk, so that weak places return to 0.
            unit = raw.abs().sum(0)[problem.mask].mean().clamp_min(1e-30)
            delta = delta - 0.1 * raw / unit
            delta = delta.sign() * (delta.abs() - 0.02).clamp_min(0)
            delta = (problem.picture + delta).clamp(0, 1) - problem.picture
            if 2 * step >= self.steps:
                total += delta.abs().sum(0)
        found = spots(total, problem.mask, Spots(area=self.area, count=self.count))
        return replace(problem, mask=found, covers=True)


THREATS: Final = (WholeSign, Patch, Stickers)
