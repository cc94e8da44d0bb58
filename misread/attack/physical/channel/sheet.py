"""Stage: what the picture lies on. A crop that misses by a little, or a tilted one, sees some of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import pad

from misread.attack.physical.channel.ranges import chance, require_probability
from misread.attack.physical.channel.stage import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.physical.channel.stage import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A border of one colour around the picture: white paper, or with probability ``coloured`` any colour."""

    name: ClassVar[str] = "sheet"
    coloured: float = 0.4

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        require_probability("coloured", self.coloured)

    def draw(self, frames: int, severity: float, generator: torch.Generator) -> Draw:
        """Draw one colour for the clip, (3,) in coded values."""
        del frames
        any_colour = torch.rand(3, generator=generator)
        coloured = chance(self.coloured, 1, severity, generator)
        return Draw(self.name, {"rgb": torch.where(coloured > 0, any_colour, torch.ones(3))})

    def apply(self, pixels: Tensor, draw: Draw, view: View) -> Tensor:
        """Lay the border around, ``view.margin_px`` on each side."""
        m = view.margin_px
        inside = pad(torch.ones_like(pixels[:, :1]), (m, m, m, m))
        return pad(pixels, (m, m, m, m)) + (1 - inside) * draw["rgb"].view(1, 3, 1, 1).to(pixels)
