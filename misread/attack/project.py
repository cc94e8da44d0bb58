"""The geometry of each norm: size, projection, steepest step, and the shortest way to a half-space inside a box.

Everything works on flat rows, (n, d). A new norm is one class here and one line in ``BALLS``.
"""

from __future__ import annotations

from typing import Final, Protocol

import torch
from torch import Tensor

from misread.attack.threat import FULL_SCALE, Norm
from misread.registry import by_name

TINY: Final = 1e-12


class Ball(Protocol):
    """One norm. Radii are (n, 1) or a float."""

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

    def sample(self, uniform: Tensor) -> Tensor:
        """Turn draws from [-1, 1] into points of the unit ball."""
        ...

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest delta with ``normal . delta >= deficit``; see `towards` for the box."""
        ...

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Move real-valued levels (inside the ball) to whole levels inside the ball."""
        ...


class Linf:
    """Largest absolute change."""

    name: Norm = "linf"

    def size(self, delta: Tensor) -> Tensor:
        """Largest absolute value of each row."""
        size: Tensor = delta.double().abs().amax(1)
        return size

    def project(self, delta: Tensor, radius: Tensor | float) -> Tensor:
        """Clamp to the radius."""
        bound = torch.as_tensor(radius, dtype=delta.dtype, device=delta.device)
        return torch.minimum(torch.maximum(delta, -bound), bound)

    def unit(self, gradient: Tensor) -> Tensor:
        """The sign."""
        return gradient.sign()

    def sample(self, uniform: Tensor) -> Tensor:
        """Uniform in the cube."""
        return uniform

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest t with sum |w| min(t, room) >= deficit: piecewise linear in t, so sort the rooms and read it off."""
        slope = normal.abs()
        rooms, order = room.sort(dim=1)
        weights = slope.gather(1, order)
        size = _solve(weights * rooms, weights, rooms, deficit)
        return torch.minimum(size.expand_as(room), room) * normal.sign()

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Round to nearest, then clamp to the whole levels inside the radius."""
        cap = int(FULL_SCALE * min(radius, 1.0) + 1e-6)
        return levels.round().clamp(-cap, cap)


class L2:
    """Euclidean length."""

    name: Norm = "l2"

    def size(self, delta: Tensor) -> Tensor:
        """Euclidean length of each row."""
        return delta.double().square().sum(1).sqrt()

    def project(self, delta: Tensor, radius: Tensor | float) -> Tensor:
        """Shrink rows that are too long."""
        length = delta.square().sum(1, keepdim=True).sqrt().clamp_min(TINY)
        return delta * (torch.as_tensor(radius, dtype=delta.dtype, device=delta.device) / length).clamp(max=1.0)

    def unit(self, gradient: Tensor) -> Tensor:
        """The direction. Divided by the largest entry first, so that tiny gradients do not underflow."""
        scaled = gradient / gradient.abs().amax(1, keepdim=True).clamp_min(torch.finfo(gradient.dtype).tiny)
        return scaled / scaled.square().sum(1, keepdim=True).sqrt().clamp_min(TINY)

    def sample(self, uniform: Tensor) -> Tensor:
        """A direction of random length."""
        return self.unit(uniform) * uniform[:, :1].abs()

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest t with sum |w| min(t |w|, room) >= deficit: piecewise linear in t again."""
        slope = normal.abs()
        corner = torch.where(slope > 0, room / slope.clamp_min(TINY), torch.full_like(room, float("inf")))
        corners, order = corner.sort(dim=1)
        weights, rooms = slope.gather(1, order), room.gather(1, order)
        step = _solve(weights * rooms, weights.square(), corners.clamp_max(1e30), deficit)
        return torch.minimum(step * slope, room) * normal.sign()

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Round to nearest; while too long, give back the level of the value that rounding lengthened most."""
        whole = levels.round()
        allowed = (FULL_SCALE * radius) ** 2 * (1 + 1e-9)
        surplus = whole.abs() - levels.abs()
        order = surplus.argsort(dim=1, descending=True)
        saved = torch.where(surplus > 0, 2 * whole.abs() - 1, torch.zeros_like(whole)).double().gather(1, order)
        excess = whole.double().square().sum(1, keepdim=True) - allowed
        give_back = (saved.cumsum(1) - saved < excess) & (saved > 0)
        return whole - torch.zeros_like(whole).scatter(1, order, give_back.to(whole.dtype)) * whole.sign()


def _solve(gain: Tensor, rate: Tensor, corner: Tensor, deficit: Tensor) -> Tensor:
    """Smallest t with sum min(rate t, gain) >= deficit, (n, 1), for entries sorted by the corner t = gain / rate.

    When even all gains together fall short, the last corner or more comes back: everything that can move, moves.
    """
    filled = gain.cumsum(1)
    from_here = rate.flip(1).cumsum(1).flip(1)  # summed from the end, so that a tail of zeros stays exactly zero
    at_corner = filled + (from_here - rate) * corner
    first = (at_corner < deficit[:, None]).sum(1, keepdim=True).clamp_max(gain.shape[1] - 1)
    before = (filled - gain).gather(1, first)
    return ((deficit[:, None] - before) / from_here.gather(1, first).clamp_min(TINY)).clamp(min=0)


BALLS: Final[tuple[Ball, ...]] = (Linf(), L2())


def ball_of(norm: str) -> Ball:
    """The ball of a norm.

    Raises:
        UnknownName: no such norm.
    """
    return by_name("norm", BALLS, norm)


def room_along(normal: Tensor, images: Tensor) -> Tensor:
    """Room of each value along the normal's sign: 1 - x where the normal rises, x where it falls, 0 where it is 0."""
    return torch.where(normal > 0, 1 - images, torch.where(normal < 0, images, torch.zeros_like(images)))
