"""Waves over a picture, slow ones first: directions in which the boundary of a network often turns most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from misread.attack.query.drive import Place

FIRST_SIDE: Final = 8


def directions(place: Place) -> Iterator[Iterator[Tensor]]:
    """Waves of all channels together and against each other, without end.

    The first level holds the slowest 8 by 8; each next one four times as many, up to all of them, again and again.

    Yields:
        The waves of a level in random order, each (c, h, w) of length 1, cut to what may change.
    """
    channels, height, width = place.clean.shape
    bases = tuple(cosines(size).to(place.clean) for size in (channels, height, width))
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    slow = torch.maximum(row / height, column / width).flatten().argsort(stable=True)
    side = FIRST_SIDE
    while True:
        yield _waves(place, bases, slow[: side**2].tolist(), width)
        side = min(2 * side, max(height, width))


def cosines(size: int) -> Tensor:
    """The orthonormal cosine basis, (size, size) float64: one wave a row, the constant one first."""
    place = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi * (place + 0.5) * place[:, None] / size)
    length: Tensor = basis.norm(dim=1, keepdim=True)
    return basis / length


def _waves(place: Place, bases: tuple[Tensor, ...], chosen: list[int], width: int) -> Iterator[Tensor]:
    colours, tall, wide = bases
    for number in place.order(len(chosen) * len(colours)):
        colour, wave = divmod(number, len(chosen))
        row, column = divmod(chosen[wave], width)
        yield colours[colour][:, None, None] * tall[row][:, None] * wide[column] * place.free
