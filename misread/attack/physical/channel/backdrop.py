"""What a sign stands before: other pictures in place of the one it was photographed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import avg_pool2d, interpolate

from misread.attack.physical.channel.stage import Draw
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Backdrop:
    """Pictures, each clip before a random part of one of them. At severity 0 the sign keeps its own.

    Attributes:
        pictures: (3, h, w) each in [0, 1], of any size.
        sign: (h, w) bool, the sign in its own picture.

    Raises:
        OptionError: There are no pictures.
    """

    name: ClassVar[str] = "backdrop"
    pictures: tuple[Tensor, ...]
    sign: Tensor

    def __post_init__(self) -> None:
        """Refuse a backdrop of nothing."""
        if not self.pictures:
            message = "a backdrop needs at least one picture"
            raise OptionError(message)

    def draw(self, severity: float, generator: torch.Generator) -> Draw:
        """Draw picture, part (as shares of the room there is) and side for one clip, (1,) each."""
        shares = torch.rand(5, generator=generator)
        chosen = (shares[:1] * len(self.pictures)).long().clamp_max(len(self.pictures) - 1)
        own = severity == 0
        return Draw(
            self.name,
            {
                "picture": torch.full((1,), -1) if own else chosen,
                "top": shares[1:2],
                "left": shares[2:3],
                "size": shares[3:4],
                "mirrored": (shares[4:5] < 1 / 2).long(),
            },
        )

    def apply(self, picture: Tensor, draw: Draw) -> Tensor:
        """Show the sign of a picture (3, h, w) before what was drawn; differentiable in the sign's pixels."""
        index = int(draw["picture"])
        if index < 0:
            return picture
        behind = self._part(self.pictures[index].to(picture), draw, (picture.shape[1], picture.shape[2]))
        # The rim of one pixel is mixed, as a lens would.
        sign = self.sign.to(picture)[None, None]
        alpha = torch.minimum(avg_pool2d(sign, 3, 1, 1, count_include_pad=False), sign)[0]
        return alpha * picture + (1 - alpha) * behind

    @staticmethod
    def _part(whole: Tensor, draw: Draw, size_hw: tuple[int, int]) -> Tensor:
        """Cut a part of the shape that is wanted, between half and all of what fits, and bring it to size."""
        height, width = whole.shape[1:]
        fits = min(height / size_hw[0], width / size_hw[1]) * (0.5 + 0.5 * float(draw["size"]))
        tall, wide = max(1, int(size_hw[0] * fits)), max(1, int(size_hw[1] * fits))
        top, left = int(float(draw["top"]) * (height - tall)), int(float(draw["left"]) * (width - wide))
        part = whole[None, :, top : top + tall, left : left + wide]
        part = interpolate(part, size=size_hw, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)
        return part.flip(-1) if int(draw["mirrored"]) else part
