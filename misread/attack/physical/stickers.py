"""Where stickers go: the rectangles of a sign that hold most of a change that was allowed everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

#: Width over height of the rectangles that are tried.
_RATIOS: Final = (1.0, 2.0, 0.5, 4.0, 0.25)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spots:
    """How much of the sign may be covered, and by how many rectangles.

    Attributes:
        area: Share of the mask.
        count: Number of rectangles.
    """

    area: float
    count: int


def spots(weight: Tensor, mask: Tensor, wanted: Spots) -> Tensor:
    """Choose rectangles inside a mask, one after the other, each where the most weight is left.

    Args:
        weight: (h, w) at least 0.
        mask: (h, w) bool, the sign.
        wanted: Area and number.

    Returns:
        (h, w) bool; at most ``wanted.area`` of the mask.

    Raises:
        OptionError: Nothing of that area fits inside the mask.
    """
    free, left = mask.clone(), torch.where(mask, weight, 0).double()
    chosen = torch.zeros_like(mask)
    each = int(wanted.area * int(mask.sum())) // wanted.count
    for _ in range(wanted.count):
        fits = [best for size in _sizes(each) if (best := _best(left, free, size))]
        if not fits:
            message = (
                f"{wanted.count} stickers of {each} pixels each do not fit on a sign of {int(mask.sum())} pixels; "
                "give a larger picture, or fewer stickers"
            )
            raise OptionError(message)
        _, top, to, tall, wide = max(fits)
        chosen[top : top + tall, to : to + wide] = True
        free[top : top + tall, to : to + wide] = False
    return chosen


def _sizes(area: int) -> Iterator[tuple[int, int]]:
    """Heights and widths of at most `area` pixels and at least two a side."""
    for ratio in _RATIOS:
        tall = int((area / ratio) ** 0.5)
        if tall >= 2 and area // tall >= 2:
            yield tall, min(area // tall, max(2, round(tall * ratio)))


def _best(weight: Tensor, free: Tensor, size: tuple[int, int]) -> tuple[float, int, int, int, int] | None:
    """(weight, top, left, height, width) of the best place that is free throughout, or None."""
    tall, wide = size
    if tall > free.shape[0] or wide > free.shape[1]:
        return None
    whole = _sums(free.double(), size) > tall * wide - 0.5
    if not whole.any():
        return None
    sums = torch.where(whole, _sums(weight, size), -1.0)
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return float(sums[top, left]), top, left, tall, wide


def _sums(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Sum of every rectangle of a size, (h - tall + 1, w - wide + 1), from an integral image."""
    tall, wide = size
    whole = torch.zeros(values.shape[0] + 1, values.shape[1] + 1, dtype=torch.float64)
    whole[1:, 1:] = values.cumsum(0).cumsum(1)
    return whole[tall:, wide:] - whole[:-tall, wide:] - whole[tall:, :-wide] + whole[:-tall, :-wide]
