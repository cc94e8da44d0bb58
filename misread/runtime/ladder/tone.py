"""The picture brighter or darker: by a factor, and by a gamma. Both are tables of 256 entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class Brightness:
    """Every level times a factor, clipped to 255.

    Attributes:
        factor: above 0, not 1.
    """

    factor: float

    def __post_init__(self) -> None:
        """Refuse a factor that is none, or that changes nothing."""
        if not 0 < self.factor <= 10 or self.factor == 1:
            raise OptionError(f"brightness is a factor above 0 and up to 10, and not 1, got {self.factor}; write 0.8")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"brightness-{self.factor:g}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"brightness x {self.factor:g}"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture darker or brighter."""
        return _levels(np.arange(256) * self.factor)[image]


@dataclass(frozen=True, slots=True)
class Gamma:
    """Every level to a power, on the scale from 0 to 1; above 1 darkens the middle.

    Attributes:
        power: above 0, not 1.
    """

    power: float

    def __post_init__(self) -> None:
        """Refuse a power that is none, or that changes nothing."""
        if not 0 < self.power <= 10 or self.power == 1:
            raise OptionError(f"gamma is a power above 0 and up to 10, and not 1, got {self.power}; write 1.25")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"gamma-{self.power:g}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"gamma {self.power:g}"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture with its middle darker or brighter; black and white stay."""
        return _levels(255 * (np.arange(256) / 255) ** self.power)[image]


def _levels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
