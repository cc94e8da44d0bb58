"""Largest absolute change."""

from __future__ import annotations

import torch
from torch import Tensor

from misread.attack.balls.base import solve
from misread.attack.threat import FULL_SCALE, Norm


class Linf:
    """Largest absolute change."""

    name: Norm = "linf"
    scales = True

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

    def sample(self, uniform: Tensor, radius: Tensor | float) -> Tensor:
        """Uniform in the cube."""
        return uniform * radius

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Smallest t with sum |w| min(t, room) >= deficit: piecewise linear in t, so sort the rooms and read it off."""
        slope = normal.abs()
        rooms, order = room.sort(dim=1)
        weights = slope.gather(1, order)
        size = solve(weights * rooms, weights, rooms, deficit)
        return torch.minimum(size.expand_as(room), room) * normal.sign()

    def farthest(self, normal: Tensor, radius: float, room: Tensor) -> Tensor:
        """As far as radius and room let each value go."""
        return room.clamp_max(radius) * normal.sign()

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Round to nearest, then clamp to the whole levels inside the radius."""
        cap = int(FULL_SCALE * min(radius, 1.0) + 1e-6)
        return levels.round().clamp(-cap, cap)
