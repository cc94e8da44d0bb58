"""Sum of absolute changes."""

from __future__ import annotations

import torch
from torch import Tensor

from misread.attack.balls.base import TINY
from misread.attack.threat import FULL_SCALE, Norm

BISECTIONS = 30


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

    def project_box(self, delta: Tensor, clean: Tensor, radius: Tensor | float) -> Tensor:
        """Nearest point of ball and box together (arXiv 2103.01208).

        Every value shrinks by t, to 0 at most, and then to the wall, for the smallest t that fits: bisection finds the
        values that end between 0 and the wall, and these give t exactly.
        """
        absolute, room = delta.abs(), torch.where(delta > 0, 1 - clean, clean)
        bound = torch.as_tensor(radius, dtype=delta.dtype, device=delta.device).expand(len(delta), 1)
        low, high = torch.zeros_like(bound), absolute.amax(1, keepdim=True)
        inside = torch.minimum(absolute, room).sum(1, keepdim=True) <= bound
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            long = torch.minimum((absolute - middle).clamp_min(0), room).sum(1, keepdim=True) > bound
            low, high = torch.where(long, middle, low), torch.where(long, high, middle)
        full = absolute - high >= room
        free = (absolute > high) & ~full
        count = free.sum(1, keepdim=True)
        length = (absolute * free).sum(1, keepdim=True) + (room * full).sum(1, keepdim=True)
        exact = (length - bound) / count.clamp_min(1)
        threshold = torch.where(count > 0, torch.minimum(torch.maximum(exact, low), high), high)
        threshold = torch.where(inside, torch.zeros_like(threshold), threshold)
        return delta.sign() * torch.minimum((absolute - threshold).clamp_min(0), room)

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

    def farthest(self, normal: Tensor, radius: float, room: Tensor) -> Tensor:
        """Fill the rooms by falling slope until the radius is spent."""
        order = normal.abs().argsort(dim=1, descending=True)
        rooms = torch.where(normal != 0, room, torch.zeros_like(room)).gather(1, order)
        used = torch.minimum((radius - (rooms.cumsum(1) - rooms)).clamp_min(0), rooms)
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
