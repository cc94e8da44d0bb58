"""Translation invariance, arXiv 1904.02884: the gradient at shifted copies, by a blur of the gradient itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import conv2d

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """Blurs the gradient with a Gaussian.

    Attributes:
        size: Side of the kernel in pixels, odd; the paper takes 15 for pictures of 299 pixels.
        sigma: Width of the Gaussian in pixels.

    Raises:
        OptionError: an even or negative size, or no width.
    """

    name: ClassVar[str] = "ti"

    size: int = 15
    sigma: float = 3.0

    def __post_init__(self) -> None:
        """Refuse kernels without a middle."""
        if not (self.size >= 1 and self.size % 2 == 1 and self.sigma > 0):
            message = f"size is odd and sigma above 0, got {self.size} and {self.sigma}; write for instance 15 and 3"
            raise OptionError(message)

    @property
    def copies(self) -> int:
        """One: the shifts are in the blur."""
        return 1

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:  # noqa: ARG002 - the images themselves
        """The images."""
        return x

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:  # noqa: ARG002 - no memory
        """The blurred gradient; beyond the edges it is 0."""
        place = torch.arange(self.size, dtype=torch.float64) - self.size // 2
        line = (-(place**2) / (2 * self.sigma**2)).exp()
        line = (line / line.sum()).to(gradient)
        planes = gradient.flatten(0, 1)[:, None]
        planes = conv2d(planes, line.view(1, 1, -1, 1), padding=(self.size // 2, 0))
        return conv2d(planes, line.view(1, 1, 1, -1), padding=(0, self.size // 2)).view_as(gradient)
