"""What a change costs beside its failure to be misread: roughness, and colours that no printer has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from misread.attack.physical.problem import PhysicalProblem

Colour = tuple[float, float, float]
#: Levels of a channel between the darkest and the lightest of the 30 colours that RP2 photographed from a print.
_LEVELS: Final = (0.05, 0.41, 0.77)
_CHART: Final = 8
PRINTABLE: Final[tuple[Colour, ...]] = tuple((r, g, b) for r in _LEVELS for g in _LEVELS for b in _LEVELS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """Weights of the terms; the loss that they stand beside is the mean over simulated frames.

    Attributes:
        tv: Of the total variation.
        printable: Of the distance to printable colours.
        palette: What the printer has, coded values in [0, 1].

    Raises:
        OptionError: A negative weight, or a palette without colours.
    """

    tv: float = 0.0
    printable: float = 0.0
    palette: tuple[Colour, ...] = PRINTABLE

    def __post_init__(self) -> None:
        """Refuse what rewards roughness; NaN fails as well."""
        if not (0 <= self.tv < float("inf") and 0 <= self.printable < float("inf")):
            message = f"the weights of the terms are 0 or more, got tv {self.tv} and printable {self.printable}"
            raise OptionError(message)
        if not self.palette or not all(0 <= value <= 1 for colour in self.palette for value in colour):
            message = "a palette has at least one colour, of three values in [0, 1] each"
            raise OptionError(message)

    @property
    def none(self) -> bool:
        """Whether nothing is weighed."""
        return self.tv == 0 and self.printable == 0

    def gradient(self, problem: PhysicalProblem, x: Tensor) -> Tensor:
        """Give the gradient of the weighted terms at a picture (3, h, w)."""
        point = x.detach().requires_grad_()
        with torch.enable_grad():
            cost = point.sum() * 0
            if self.tv:
                cost = cost + self.tv * roughness(problem, point)
            if self.printable:
                cost = cost + self.printable * nonprintability(point, problem.mask, self.palette)
            (gradient,) = torch.autograd.grad(cost, point)
        return gradient


def roughness(problem: PhysicalProblem, x: Tensor) -> Tensor:
    """Give the total variation of what is changed: of the picture where it covers, else of the change."""
    return total_variation(x if problem.covers else x - problem.picture, problem.mask)


def total_variation(picture: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of neighbours inside a mask (anisotropic; Rudin, Osher & Fatemi 1992), a scalar.

    Args:
        picture: (3, h, w).
        mask: (h, w) bool; a pair counts where both of its pixels are marked.
    """
    across, down = (picture[:, :, 1:] - picture[:, :, :-1]).abs(), (picture[:, 1:] - picture[:, :-1]).abs()
    beside, below = mask[:, 1:] & mask[:, :-1], mask[1:] & mask[:-1]
    total = (across * beside).sum() + (down * below).sum()
    return total / (3 * (beside.sum() + below.sum())).clamp_min(1)


def nonprintability(picture: Tensor, mask: Tensor, palette: tuple[Colour, ...] = PRINTABLE) -> Tensor:
    """Mean distance of the pixels of a mask to their nearest printable colour, a scalar.

    Sharif et al. (CCS 2016) multiply the distances to all colours, which leaves no gradient to follow where there are
    many; the nearest one alone keeps it at unit length everywhere.

    Args:
        picture: (3, h, w) in [0, 1].
        mask: (h, w) bool.
        palette: Colours, coded values in [0, 1].
    """
    pixels, colours = picture[:, mask].T, torch.tensor(palette, dtype=picture.dtype, device=picture.device)
    nearest = colours[torch.cdist(pixels.detach(), colours).argmin(1)]
    # The root has no slope at 0: a colour that can be printed is left in peace.
    squares = (pixels - nearest).square().sum(1)
    there = squares > 0
    return torch.where(there, torch.where(there, squares, 1.0).sqrt(), 0.0).mean()


def colours_of(chart: NDArray[np.uint8]) -> tuple[Colour, ...]:
    """Average a picture of what a printer prints, (h, w, 3) uint8 and at least 8 x 8, to 64 colours.

    Raises:
        InputError: The picture is smaller.
    """
    height, width = chart.shape[:2]
    if height < _CHART or width < _CHART:
        message = f"a palette is a picture of at least {_CHART}x{_CHART} pixels, got {width}x{height}"
        raise InputError(message)
    pixels = torch.from_numpy(chart).permute(2, 0, 1).float() / 255
    cells = torch.nn.functional.adaptive_avg_pool2d(pixels, _CHART).flatten(1).T
    return tuple((float(red), float(green), float(blue)) for red, green, blue in cells)
