"""The Square attack's search for ``l2``, arXiv 1912.00049: a fixed length of change that moves between windows."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.query.blocks import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from torch import Tensor

    from misread.attack.query.drive import Place

TILES: Final = 5
TINY: Final = 1e-12
CANCELLED: Final = 1e-6
"""Highest value of a sum of two opposite bumps, which would leave nothing in the window."""


def search(
    place: Place, radius: float, queries: int, share_at: Callable[[float], float]
) -> Generator[Tensor, float, None]:
    """Start from a tiling with bumps; then every query takes the change out of one window and puts it into another.

    The window that receives keeps its direction in part and turns it towards a bump of two opposite halves; its length
    is what both windows had, and what the box took away elsewhere. A tie is kept.

    Args:
        place: The image.
        radius: Length of the change.
        queries: How many images are yielded at most.
        share_at: Area of the windows over that of the free part, after a share of the run.
    """
    best = _inside(place, _tiling(place), radius)
    value = yield best
    for number in range(1, queries):
        x = _inside(place, _moved(place, best - place.clean, radius, share_at(number / queries)), radius)
        new = yield x
        if new <= value or math.isnan(value):
            best, value = x, new


def bump(height: int, width: int, stream: Place) -> Tensor:
    """Two opposite halves, each highest in its middle, lying or standing at random, (height, width) of length 1."""
    lying = (height > 1 and bool(stream.index(2))) or width == 1
    if not lying:
        return bump_of(width, height).T
    return bump_of(height, width)


def bump_of(height: int, width: int) -> Tensor:
    """The bump whose upper half is positive; one pixel alone is 1."""
    upper = max(1, height // 2)
    halves = torch.cat([_pyramid(upper, width), -_pyramid(height - upper, width)])
    length: Tensor = halves.norm()
    return halves / length


def _pyramid(height: int, width: int) -> Tensor:
    """Sum of concentric rectangles, the inner ones higher by 1 / rank squared as in the paper."""
    row = (torch.arange(height) - (height - 1) / 2).abs()
    column = (torch.arange(width) - (width - 1) / 2).abs()
    ring = torch.maximum(row[:, None].expand(-1, width), column.expand(height, -1)).ceil()
    rank = torch.arange(1, max(height, width) + 2, dtype=torch.float64)
    heights = (1 / rank.square()).flip(0).cumsum(0).flip(0)
    return heights[ring.long()]


def _tiling(place: Place) -> Tensor:
    top, left, height, width = frame(place.free)
    change = torch.zeros_like(place.clean)
    rows = [top + height * n // min(TILES, height) for n in range(min(TILES, height) + 1)]
    columns = [left + width * n // min(TILES, width) for n in range(min(TILES, width) + 1)]
    for first, last in pairwise(rows):
        for begin, end in pairwise(columns):
            change[:, first:last, begin:end] = _signed(place, last - first, end - begin)
    return change


def _signed(place: Place, height: int, width: int) -> Tensor:
    """A bump with a random sign in each channel, (c, height, width)."""
    signs = place.uniform(len(place.clean), 1, 1).round() * 2 - 1
    return bump(height, width, place).to(place.clean) * signs


def _moved(place: Place, change: Tensor, radius: float, share: float) -> Tensor:
    """The change (c, h, w) with the length of two windows in one of them."""
    top, left, height, width = frame(place.free)
    side = math.sqrt(share * height * width)
    tall, wide = (min(most, max(1, round(side))) for most in (height, width))
    taken = torch.zeros_like(change, dtype=torch.bool)
    places = []
    for _ in range(2):
        row, column = top + place.index(height - tall + 1), left + place.index(width - wide + 1)
        places.append((slice(None), slice(row, row + tall), slice(column, column + wide)))
        taken[places[-1]] = True
    spare = max(radius**2 - float(change.square().sum()), 0.0) / len(change)
    length = ((change * taken).square().sum((1, 2), keepdim=True) + spare).sqrt()
    old = change[places[0]]
    fresh = _signed(place, tall, wide)
    new = fresh + old / old.square().sum((1, 2), keepdim=True).sqrt().clamp_min(TINY)
    new = torch.where(new.abs().amax((1, 2), keepdim=True) < CANCELLED, fresh, new)
    moved = torch.where(taken, torch.zeros_like(change), change)
    moved[places[0]] = new / new.square().sum((1, 2), keepdim=True).sqrt().clamp_min(TINY) * length
    return moved


def _inside(place: Place, change: Tensor, radius: float) -> Tensor:
    """The image with as long a change as the radius, then cut by the box."""
    free = change * place.free
    length: Tensor = free.norm()
    return (place.clean + free * (radius / length.clamp_min(TINY))).clamp(0, 1)
