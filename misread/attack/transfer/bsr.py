"""Block shuffle and rotation, arXiv 2308.10299: the gradient at copies whose parts change places and turn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import affine_grid, grid_sample

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw


@dataclass(frozen=True, kw_only=True, slots=True)
class Bsr:
    """Cuts an image into strips both ways, shuffles them and turns each block about its middle.

    Attributes:
        copies: Shuffled copies that the gradient is averaged over; the paper takes 20.
        strips: Per side, of random lengths of which the longest is at most about twice the shortest.
        degrees: Most that a block turns either way; the paper takes 24.

    Raises:
        OptionError: a count below 1, or an angle outside [0, 180].
    """

    name: ClassVar[str] = "bsr"

    copies: int = 20
    strips: int = 3
    degrees: float = 24.0

    def __post_init__(self) -> None:
        """Refuse what cannot be cut."""
        if not (self.copies >= 1 and self.strips >= 1 and 0 <= self.degrees <= 180):
            message = (
                f"copies and strips are at least 1 and degrees lie in [0, 180], got {self.copies}, {self.strips} "
                f"and {self.degrees}; the paper takes 20, 3 and 24"
            )
            raise OptionError(message)

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:  # noqa: ARG002 - all copies are drawn alike
        """The images, each cut, shuffled and turned in its own way."""
        chances = draw(4 * self.strips + self.strips**2)
        return torch.stack([self._one(image, chance) for image, chance in zip(x, chances, strict=True)])

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:  # noqa: ARG002 - no memory
        """The gradient."""
        return gradient

    def _one(self, image: Tensor, chance: Tensor) -> Tensor:
        """An image (c, h, w) put together anew from its blocks."""
        lengths, order, turns = chance.tensor_split([2 * self.strips, 4 * self.strips])
        rows = _cut(image.shape[1], lengths[: self.strips])
        columns = _cut(image.shape[2], lengths[self.strips :])
        angles = iter(((2 * turns - 1) * math.radians(self.degrees)).tolist())
        down = order[: self.strips].argsort().tolist()
        across = order[self.strips :].argsort().tolist()
        return torch.cat(
            [
                torch.cat([_turned(image[:, rows[row], columns[column]], next(angles)) for column in across], 2)
                for row in down
            ],
            1,
        )


def _cut(length: int, chance: Tensor) -> list[slice]:
    """Strips of lengths in proportion to 1 + chance; of a picture with fewer pixels than strips some are empty."""
    ends = (((1 + chance).cumsum(0) / (1 + chance).sum()) * length).round().long().tolist()
    return [slice(first, last) for first, last in pairwise([0, *ends])]


def _turned(block: Tensor, angle: float) -> Tensor:
    """A block (c, h, w) turned about its middle by an angle in radians, black where nothing is left."""
    channels, height, width = block.shape
    if not height * width:
        return block
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cosine, -sine * height / width, 0.0], [sine * width / height, cosine, 0.0]]).to(block)
    grid = affine_grid(turn[None], [1, channels, height, width], align_corners=False)
    return grid_sample(block[None], grid, align_corners=False)[0]
