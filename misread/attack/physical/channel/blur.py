"""Stage: defocus and motion during the exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import conv2d, pad

from misread.attack.physical.channel.ranges import Range, centred
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View

_RADIUS_PX = 4
_STROKE_POINTS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Blur:
    """A Gaussian of ``sigma_px`` drawn along a straight stroke of ``motion_px``, both in sensor pixels, per frame."""

    name: ClassVar[str] = "blur"
    sigma_px: Range = Range(low=0.0, high=1.5, neutral=0.0)
    motion_px: Range = Range(low=0.0, high=3.0, neutral=0.0)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw (frames,) values each."""
        return Draw(
            self.name,
            {
                "sigma_px": self.sigma_px.draw(frames, severity, generator),
                "motion_px": self.motion_px.draw(frames, severity, generator),
                "along_rad": centred(torch.pi).draw(frames, 1.0, generator),
            },
        )

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Convolve each frame with its own kernel; the edge is continued."""
        kernels = blur_kernels(draw["sigma_px"] * view.ratio, draw["motion_px"] * view.ratio, draw["along_rad"])
        frames, channels = pixels.shape[:2]
        size = 2 * _RADIUS_PX + 1
        weights = kernels.to(pixels).repeat_interleave(channels, 0).view(-1, 1, size, size)
        around = pad(pixels, (_RADIUS_PX,) * 4, mode="replicate").flatten(0, 1)[None]
        return conv2d(around, weights, groups=frames * channels)[0].view_as(pixels)


def blur_kernels(sigma_px: Tensor, motion_px: Tensor, along_rad: Tensor) -> Tensor:
    """Kernels that sum to 1, (n, 9, 9); a single 1 in the middle where sigma and motion are 0."""
    axis = torch.arange(-_RADIUS_PX, _RADIUS_PX + 1.0)
    stroke = torch.linspace(-0.5, 0.5, _STROKE_POINTS).view(1, -1, 1, 1) * motion_px.view(-1, 1, 1, 1)
    across = axis.view(1, 1, 1, -1) - stroke * along_rad.cos().view(-1, 1, 1, 1)
    down = axis.view(1, 1, -1, 1) - stroke * along_rad.sin().view(-1, 1, 1, 1)
    # A stroke of points needs some width, or it would miss the pixels between them.
    width = torch.maximum(sigma_px, motion_px.clamp_max(1.0) * 0.4).clamp_min(1e-2).view(-1, 1, 1, 1)
    spread = (-(across**2 + down**2) / (2 * width**2)).exp().sum(1)
    return spread / spread.sum((1, 2), keepdim=True)
