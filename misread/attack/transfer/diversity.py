"""Input diversity, arXiv 1803.06978: the gradient at copies of other sizes and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import interpolate, pad

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw


@dataclass(frozen=True, kw_only=True, slots=True)
class Diversity:
    """Enlarges an image by a random factor, pads it with black to the largest size, and shrinks it back.

    Attributes:
        probability: That an image is changed at all, in (0, 1]; the paper takes 0.5.
        largest: Factor of the padded size, above 1; the paper takes 1.1.

    Raises:
        OptionError: a probability or a factor outside its range.
    """

    name: ClassVar[str] = "di"

    probability: float = 0.5
    largest: float = 1.1

    def __post_init__(self) -> None:
        """Refuse ranges that mean nothing."""
        if not (0 < self.probability <= 1 and 1 < self.largest <= 4):
            message = (
                f"probability lies in (0, 1] and largest in (1, 4], got {self.probability} and {self.largest}; "
                "the paper takes 0.5 and 1.1"
            )
            raise OptionError(message)

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:  # noqa: ARG002 - one copy
        """Some of the images, each at its own size and place."""
        return torch.stack([self._one(image, chance) for image, chance in zip(x, draw(4).tolist(), strict=True)])

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:  # noqa: ARG002 - no memory
        """The gradient."""
        return gradient

    def _one(self, image: Tensor, chance: list[float]) -> Tensor:
        """An image (c, h, w), changed where the first of four draws says so."""
        if chance[0] >= self.probability:
            return image
        height, width = image.shape[1:]
        factor = 1 + (self.largest - 1) * chance[1]
        inner = (round(height * factor), round(width * factor))
        outer = (max(inner[0], round(height * self.largest)), max(inner[1], round(width * self.largest)))
        top, left = int(chance[2] * (outer[0] - inner[0] + 1)), int(chance[3] * (outer[1] - inner[1] + 1))
        grown = interpolate(image[None], size=inner, mode="bilinear", align_corners=False)
        padded = pad(grown, (left, outer[1] - inner[1] - left, top, outer[0] - inner[0] - top))
        return interpolate(padded, size=(height, width), mode="bilinear", align_corners=False)[0]
