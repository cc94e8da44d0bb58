"""Stage: the light on the sheet and how the camera meters it, in linear light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from misread.attack.physical.channel.ranges import Range, centred
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Light:
    """Exposure and a gradient across the sheet per frame, colour of the light per clip, a veil of stray light.

    ``slope`` is how much brighter the bright edge is than the middle; the opposite edge is darker by as much.
    """

    name: ClassVar[str] = "light"
    exposure: Range = Range(low=0.55, high=1.35, neutral=1.0, log=True)
    colour: Range = Range(low=0.85, high=1.18, neutral=1.0, log=True)
    slope: Range = Range(low=0.0, high=0.3, neutral=0.0)
    veil: Range = Range(low=0.0, high=0.05, neutral=0.0)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (frames,) values, and 3 channel gains for the clip."""
        return Draw(
            self.name,
            {
                "exposure": self.exposure.draw(frames, severity, generator),
                "colour": self.colour.draw(3, severity, generator),
                "slope": self.slope.draw(frames, severity, generator),
                "towards_rad": centred(torch.pi).draw(frames, 1.0, generator),
                "veil": self.veil.draw(frames, severity, generator),
            },
        )

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Multiply by the light that falls on each place, then add the veil."""
        del view
        down = torch.linspace(-1, 1, pixels.shape[-2]).view(1, 1, -1, 1)
        right = torch.linspace(-1, 1, pixels.shape[-1]).view(1, 1, 1, -1)
        towards = _each(draw["towards_rad"])
        ramp = 1 + _each(draw["slope"]) * (right * towards.cos() + down * towards.sin())
        gain = _each(draw["exposure"]) * draw["colour"].view(1, 3, 1, 1)
        return pixels * (gain * ramp).to(pixels) + _each(draw["veil"]).to(pixels)


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
