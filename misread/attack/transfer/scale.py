"""Scale invariance, arXiv 1908.06281: the gradient at darker copies of an image counts too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Averages the gradient over x, x / 2, x / 4 ...

    Attributes:
        copies: How many of them; the paper takes 5.

    Raises:
        OptionError: fewer than one.
    """

    name: ClassVar[str] = "si"

    copies: int = 5

    def __post_init__(self) -> None:
        """Refuse an average over nothing, and copies that are black in 8 bits."""
        if not 1 <= self.copies <= 8:
            message = f"copies are from 1 to 8, each half as bright as the last, got {self.copies}; the paper takes 5"
            raise OptionError(message)

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:  # noqa: ARG002 - nothing is random
        """The images at a half, a quarter ... of their brightness."""
        darker: Tensor = x * 0.5**number
        return darker

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:  # noqa: ARG002 - no memory
        """The gradient."""
        return gradient
