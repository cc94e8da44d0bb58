"""Euclidean length."""

from __future__ import annotations

import torch
from torch import Tensor

from misread.attack.balls.base import TINY, solve
from misread.attack.threat import FULL_SCALE, Norm


class L2:
    """Euclidean length."""

    name: Norm = "l2"
    scales = True

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

    def sample(self, uniform: Tensor, radius: Tensor | float) -> Tensor:
        """A direction of random length."""
        return self.unit(uniform) * uniform[:, :1].abs() * radius

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest t with sum |w| min(t |w|, room) >= deficit: piecewise linear in t again."""
        slope = normal.abs()
        corners, order = _corners(slope, room).sort(dim=1)
        weights, rooms = slope.gather(1, order), room.gather(1, order)
        step = solve(weights * rooms, weights.square(), corners, deficit)
        return torch.minimum(step * slope, room) * normal.sign()

    def farthest(self, normal: Tensor, radius: float, room: Tensor) -> Tensor:
        """Largest t with sum min(t |w|, room)^2 <= radius^2: piecewise linear in t^2."""
        slope = normal.abs()
        corners, order = _corners(slope, room).sort(dim=1)
        weights, rooms = slope.gather(1, order), torch.where(slope > 0, room, 0.0).gather(1, order)
        enough = torch.full_like(slope[:, 0], radius**2)
        step = solve(rooms.square(), weights.square(), corners.square(), enough).sqrt()
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


def _corners(slope: Tensor, room: Tensor) -> Tensor:
    """Where min(t slope, room) stops growing; far away where there is no slope."""
    return torch.where(slope > 0, room / slope.clamp_min(TINY), torch.full_like(room, float("inf"))).clamp_max(1e15)
