"""Sum of absolute changes."""

from __future__ import annotations

import torch
from torch import Tensor

from misread.attack.balls.base import TINY
from misread.attack.threat import FULL_SCALE, Norm


class L1:
    """Sum of absolute changes."""

    name: Norm = "l1"
    scales = True

    def size(self, delta: Tensor) -> Tensor:
        """Sum of absolute values of each row."""
        return delta.double().abs().sum(1)

    def project(self, delta: Tensor, radius: Tensor | float) -> Tensor:
        """Soft-threshold rows that are too long: the threshold is read off the sorted values (arXiv 1101.6081)."""
        bound = torch.as_tensor(radius, dtype=delta.dtype, device=delta.device).expand(len(delta), 1)
        absolute = delta.abs()
        inside = absolute.sum(1, keepdim=True) <= bound
        if inside.all():
            return delta
        ordered = absolute.sort(dim=1, descending=True).values
        count = torch.arange(1, delta.shape[1] + 1, dtype=delta.dtype, device=delta.device)
        threshold = (ordered.cumsum(1) - bound.clamp_max(1e30)) / count
        kept = (ordered > threshold).sum(1, keepdim=True).clamp_min(1)
        cut = threshold.gather(1, kept - 1).clamp_min(0)
        return torch.where(inside, delta, delta.sign() * (absolute - cut).clamp_min(0))

    def unit(self, gradient: Tensor) -> Tensor:
        """The sign of the largest entry alone."""
        top = gradient.abs().argmax(1, keepdim=True)
        return torch.zeros_like(gradient).scatter(1, top, gradient.gather(1, top).sign())

    def sample(self, uniform: Tensor, radius: Tensor | float) -> Tensor:
        """A random share of the radius, cut into exponential pieces."""
        pieces = -uniform.abs().clamp_min(TINY).log() * uniform.sign()
        share = uniform[:, :1].abs() / pieces.abs().sum(1, keepdim=True).clamp_min(TINY)
        return pieces * share * radius

    def reach(self, normal: Tensor, deficit: Tensor, room: Tensor) -> Tensor:
        """Fill the rooms by falling slope, the last one partly."""
        order = normal.abs().argsort(dim=1, descending=True)
        slope, rooms = normal.abs().gather(1, order), room.gather(1, order)
        gain = slope * rooms
        missing = (deficit[:, None] - (gain.cumsum(1) - gain)).clamp_min(0)
        used = torch.where(slope > 0, torch.minimum(missing / slope.clamp_min(TINY), rooms), torch.zeros_like(rooms))
        return torch.zeros_like(normal).scatter(1, order, used) * normal.sign()

    def whole(self, levels: Tensor, radius: float) -> Tensor:
        """Round to nearest; while too long, give back a level of the values that rounding lengthened most."""
        whole = levels.round()
        excess = whole.double().abs().sum(1, keepdim=True) - FULL_SCALE * radius * (1 + 1e-9)
        surplus = torch.where(whole != 0, whole.abs() - levels.abs(), torch.full_like(whole, -1.0))
        order = surplus.argsort(dim=1, descending=True)
        place = torch.arange(whole.shape[1], device=whole.device).expand_as(whole)
        back = torch.zeros_like(whole).scatter(1, order, (place < excess).to(whole.dtype))
        return whole - back * whole.sign()
