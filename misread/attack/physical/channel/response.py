"""Stage: the print or the display. Its black is not black and its white is not white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.attack.physical.channel.ranges import Range
from misread.attack.physical.channel.stage import Draw
from misread.attack.physical.channel.transfer import to_light

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from misread.attack.physical.channel.stage import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """Coded values to emitted or reflected light, squeezed linearly into [black, white].

    The 30 colours photographed from a print by RP2 (arXiv 1707.08945) span 0.05 to 0.77.
    """

    name: ClassVar[str] = "response"
    black: Range = Range(low=0.0, high=0.06, neutral=0.0)
    white: Range = Range(low=0.65, high=1.0, neutral=1.0)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw one black and one white for the clip, (1,) each."""
        del frames
        black, white = (r.draw(1, severity, generator) for r in (self.black, self.white))
        return Draw(self.name, {"black": black, "white": white})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Coded values in, linear light out."""
        del view
        black, white = draw["black"].to(pixels), draw["white"].to(pixels)
        return black + (white - black) * to_light(pixels)
