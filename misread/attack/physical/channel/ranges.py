"""One physical quantity: where it lies, and the value at which it changes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from misread.errors import OptionError


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """An interval to draw from, shrunk towards ``neutral`` while the severity is below 1.

    Attributes:
        low: Smallest value at full severity.
        high: Largest value at full severity.
        neutral: Value at severity 0; it may lie outside the interval.
        log: Draw uniformly in the logarithm; all three values must then be above 0.

    Raises:
        OptionError: The interval is empty, not finite, or not positive where it must be.
    """

    low: float
    high: float
    neutral: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse intervals that hold no number."""
        if not (self.low <= self.high and all(map(math.isfinite, (self.low, self.high, self.neutral)))):
            message = f"a range goes from a finite low up to high, got {self.low} to {self.high} around {self.neutral}"
            raise OptionError(message)
        if self.log and not (self.low > 0 and self.neutral > 0):
            message = f"a logarithmic range lies above 0, got {self.low} to {self.high} around {self.neutral}"
            raise OptionError(message)

    def draw(self, count: int, severity: float, generator: torch.Generator) -> Tensor:
        """Draw ``count`` values, (count,) float32; the generator advances alike at every severity."""
        unit = torch.rand(count, generator=generator, dtype=torch.float64)
        low, high, neutral = self.low, self.high, self.neutral
        if self.log:
            low, high, neutral = math.log(low), math.log(high), math.log(neutral)
        drawn = neutral + severity * (low + unit * (high - low) - neutral)
        return (drawn.exp() if self.log else drawn).float()


def centred(half_width: float) -> Range:
    """A range of equal reach on both sides of a neutral 0."""
    return Range(low=-half_width, high=half_width, neutral=0.0)


def chance(probability: float, count: int, severity: float, generator: torch.Generator) -> Tensor:
    """Draw ``count`` times 1 with ``probability * severity``, else 0, (count,) float32."""
    return (torch.rand(count, generator=generator) < probability * severity).float()


def require_probability(name: str, value: float) -> None:
    """Refuse what is no probability.

    Raises:
        OptionError: The value is outside [0, 1] or NaN.
    """
    if not 0 <= value <= 1:
        message = f"{name} is a probability from 0 to 1, got {value}"
        raise OptionError(message)
