"""What every norm can do, and the one equation that most of them solve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.threat import Norm

TINY: Final = 1e-12


class Ball(Protocol):
    """One norm. Radii are (n, 1) or a float."""

    @property
    def scales(self) -> bool:
        """Whether a change that is twice as large has twice the size; a count does not."""
        ...

    @property
    def name(self) -> Norm:
        """The norm's name."""
        ...

    def size(self, delta: Tensor) -> Tensor:
        """Norm of each row, (n,) float64."""
        ...

    def project(self, delta: Tensor, radius: Tensor | float) -> Tensor:
        """Nearest point of the ball around 0."""
        ...

    def unit(self, gradient: Tensor) -> Tensor:
        """The step of size 1 along which a linear function rises most; 0 where the gradient is 0."""
        ...

    def sample(self, uniform: Tensor, radius: Tensor | float) -> Tensor:
        """Turn draws from [-1, 1] into points of the ball."""
        ...

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest delta with ``normal . delta >= deficit``; see `towards` for the box."""
        ...

    def farthest(self, normal: Tensor, radius: float, room: Tensor) -> Tensor:
        """Where in ball and box ``normal . delta`` is largest; 0 where the normal is 0."""
        ...

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Move real-valued levels (inside the ball) to whole levels inside the ball."""
        ...


def solve(gain: Tensor, rate: Tensor, corner: Tensor, deficit: Tensor) -> Tensor:
    """Smallest t with sum min(rate t, gain) >= deficit, (n, 1), for entries sorted by the corner t = gain / rate.

    When even all gains together fall short, the last corner or more comes back: everything that can move, moves.
    """
    filled = gain.cumsum(1)
    from_here = rate.flip(1).cumsum(1).flip(1)  # summed from the end, so that a tail of zeros stays exactly zero
    at_corner = filled + (from_here - rate) * corner
    first = (at_corner < deficit[:, None]).sum(1, keepdim=True).clamp_max(gain.shape[1] - 1)
    before = (filled - gain).gather(1, first)
    return ((deficit[:, None] - before) / from_here.gather(1, first).clamp_min(TINY)).clamp(min=0)
