"""What a stage is: it changes where a gradient is taken, or what is made of it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from torch import Tensor

Draw = Callable[[int], Tensor]
"""So many fresh draws from [0, 1) for each row, (r, count) float64 on the CPU, from each image's own stream."""


class Stage(Protocol):
    """A frozen options object between an attack and the model's gradient."""

    name: ClassVar[str]

    @property
    def copies(self) -> int:
        """How many copies of an image the gradient is averaged over; each costs a pass."""
        ...

    def copy(self, x: Tensor, number: int, draw: Draw) -> Tensor:
        """One copy of each image, differentiable.

        Args:
            x: (r, c, h, w).
            number: From 0 to ``copies`` - 1.
            draw: Source of all randomness.

        Returns:
            (r, c, h, w).
        """
        ...

    def filtered(self, gradient: Tensor, before: Tensor) -> Tensor:
        """What the attack is told instead of the gradient.

        Args:
            gradient: (r, c, h, w), the mean over all copies.
            before: What this method returned for the same rows the last time; 0 at first.
        """
        ...
