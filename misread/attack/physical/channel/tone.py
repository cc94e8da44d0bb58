"""Stage: the camera's own processing from linear light to coded values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.physical.channel.ranges import Range
from misread.attack.physical.channel.stage import Draw
from misread.attack.physical.channel.transfer import to_coded

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tone:
    """The sRGB curve, a further power ``gamma``, and saturation about the luma; one setting per clip."""

    name: ClassVar[str] = "tone"
    gamma: Range = Range(low=0.8, high=1.25, neutral=1.0, log=True)
    saturation: Range = Range(low=0.75, high=1.3, neutral=1.0, log=True)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (1,) gamma and saturation."""
        del frames
        gamma, saturation = (r.draw(1, severity, generator) for r in (self.gamma, self.saturation))
        return Draw(self.name, {"gamma": gamma, "saturation": saturation})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Linear light in, coded values in [0, 1] out; what is too bright clips."""
        del view
        coded = to_coded(pixels.clamp(0, 1))
        gamma = draw["gamma"].to(pixels)
        # Below a quarter of a level the power's slope grows without bound; there it makes no visible difference.
        coded = torch.where(coded > 1e-3, coded.clamp_min(1e-3) ** gamma, coded)
        grey = (coded * torch.tensor(_LUMA).to(coded).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return (grey + draw["saturation"].to(pixels) * (coded - grey)).clamp(0, 1)
