"""Stage: one colour per sensor pixel, and the other two filled in from the neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import conv2d

from misread.attack.physical.channel.ranges import Range
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View

_GREEN = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
_OTHER = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))


@dataclass(frozen=True, kw_only=True, slots=True)
class Mosaic:
    """A Bayer pattern and bilinear interpolation, in linear light; ``share`` 0 leaves every pixel its three colours."""

    name: ClassVar[str] = "mosaic"
    share: Range = Range(low=1.0, high=1.0, neutral=0.0)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (1,) share and (2,) row and column of the first red pixel, for the clip."""
        del frames
        first = torch.randint(2, (2,), generator=generator).float()
        return Draw(self.name, {"share": self.share.draw(1, severity, generator), "first": first})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Linear light in and out; where pixels stand for several of the sensor, less of it is seen."""
        share = draw["share"].to(pixels) * view.ratio
        down, right = (int(place) for place in draw["first"].tolist())
        return pixels + share * (_demosaiced(pixels, down, right) - pixels)


def _demosaiced(pixels: Tensor, down: int, right: int) -> Tensor:
    rows, columns = (torch.arange(side, device=pixels.device) % 2 for side in pixels.shape[-2:])
    red = ((rows == down)[:, None] & (columns == right)).to(pixels)
    blue = ((rows != down)[:, None] & (columns != right)).to(pixels)
    kept = torch.stack([red, 1 - red - blue, blue])[None]
    kernels = torch.tensor([_OTHER, _GREEN, _OTHER]).to(pixels)[:, None]
    # At the edge fewer neighbours are there; dividing by their weight makes up for it.
    return conv2d(pixels * kept, kernels, padding=1, groups=3) / conv2d(kept, kernels, padding=1, groups=3)
