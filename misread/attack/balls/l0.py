"""Number of changed pixels; a pixel counts once, however many of its channels change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from misread.attack.balls.base import TINY

if TYPE_CHECKING:
    from misread.attack.threat import Norm


@dataclass(frozen=True, slots=True)
class L0:
    """Number of changed pixels.

    Attributes:
        channels: Values of a pixel; they are d / channels apart in a flat row.
    """

    name: ClassVar[Norm] = "l0"
    scales: ClassVar[bool] = False

    channels: int = 1

    def size(self, delta: Tensor) -> Tensor:
        """Pixels of each row that differ from 0."""
        return (self._pixels(delta) != 0).any(1).sum(1).double()

    def project(self, delta: Tensor, radius: Tensor | float) -> Tensor:
        """Keep the longest pixels."""
        length = self._pixels(delta).square().sum(1)
        return self._top(delta, length, radius)

    def unit(self, gradient: Tensor) -> Tensor:
        """The signs of the pixel whose entries sum to most."""
        return self._top(gradient, self._pixels(gradient).abs().sum(1), 1).sign()

    def sample(self, uniform: Tensor, radius: Tensor | float) -> Tensor:
        """As many pixels as the radius says, each with its draws."""
        return self._top(uniform, self._pixels(uniform)[:, 0].abs(), radius)

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Move the pixels of largest gain to the wall of the box, the last one partly."""
        gain = self._pixels(normal.abs() * room).sum(1)
        ordered, order = gain.sort(dim=1, descending=True)
        missing = (deficit[:, None] - (ordered.cumsum(1) - ordered)).clamp_min(0)
        share = torch.where(ordered > 0, (missing / ordered.clamp_min(TINY)).clamp_max(1), torch.zeros_like(ordered))
        shares = torch.zeros_like(gain).scatter(1, order, share)
        return (self._pixels(room * normal.sign()) * shares[:, None]).flatten(1)

    def farthest(self, normal: Tensor, radius: float, room: Tensor) -> Tensor:
        """Move the pixels of largest gain to the wall of the box."""
        gain = self._pixels(normal.abs() * room).sum(1)
        return self._top(room * normal.sign(), gain, radius)

    def whole(self, levels: Tensor, radius: float) -> Tensor:  # noqa: ARG002 - rounding adds no pixel
        """Round to nearest."""
        return levels.round()

    def _pixels(self, flat: Tensor) -> Tensor:
        return flat.view(len(flat), self.channels, -1)

    def _top(self, flat: Tensor, rank: Tensor, radius: Tensor | float) -> Tensor:
        """The rows with all pixels but the first ``radius`` by rank set to 0."""
        bound = torch.as_tensor(radius, dtype=torch.float64, device=flat.device).expand(len(flat), 1)
        place = rank.argsort(dim=1, descending=True).argsort(dim=1)
        return (self._pixels(flat) * (place < bound.floor())[:, None].to(flat.dtype)).flatten(1)
