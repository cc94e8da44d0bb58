"""Momentum, arXiv 1710.06081, for attacks that have none of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw

TINY: Final = 1e-30


@dataclass(frozen=True, kw_only=True, slots=True)
class Momentum:
    """Adds the gradient, brought to a mean absolute value of 1, to a part of what was told before.

    Attributes:
        decay: Part of the former sum that is kept; the paper takes 1.

    Raises:
        OptionError: a decay that is negative or not finite.
    """

    name: ClassVar[str] = "mi"

    decay: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a memory that means nothing."""
        if not 0 <= self.decay < math.inf:
            message = f"decay is a factor from 0, got {self.decay}; the paper takes 1"
            raise OptionError(message)

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:  # noqa: ARG002 - the images themselves
        """The images."""
        return x

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:
        """The running sum."""
        return self.decay * before + gradient / gradient.abs().mean((1, 2, 3), keepdim=True).clamp_min(TINY)
