"""Stage: the sensor's noise in linear light, as a Gaussian whose variance grows with the light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.physical.channel.ranges import Range
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Variance ``shot * light + read**2`` per sensor pixel (arXiv 1811.11127 gives the ranges), per clip."""

    name: ClassVar[str] = "noise"
    shot: Range = Range(low=1e-4, high=4e-3, neutral=1e-4, log=True)
    read: Range = Range(low=0.0, high=0.012, neutral=0.0)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (1,) shot, read and the seed of the noise field, so that a logged clip can be shown again."""
        del frames
        seed = torch.randint(2**31, (1,), generator=generator)
        # The logarithm has no 0 to shrink towards, so the variance itself is scaled.
        shot = self.shot.draw(1, 1.0, generator) * severity**2
        return Draw(self.name, {"shot": shot, "read": self.read.draw(1, severity, generator), "seed": seed})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Add the noise; its size follows the light but passes no gradient."""
        own = torch.Generator().manual_seed(int(draw["seed"].item()))
        field = torch.randn(pixels.shape, generator=own).to(pixels)
        variance = draw["shot"].to(pixels) * pixels.detach().clamp_min(0) + draw["read"].to(pixels) ** 2
        return pixels + field * variance.sqrt() * view.ratio
