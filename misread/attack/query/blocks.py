"""Parts of a picture from coarse to fine: rectangles of its height and width, never runs of its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from misread.attack.query.drive import Place


def levels(place: Place) -> Iterator[Iterator[Tensor]]:
    """Cut the part that may change into blocks, without end.

    The first level is one block; each next one halves the longer side of the blocks, down to single pixels, which are
    then gone through again and again.

    Yields:
        The blocks of a level in random order, each (c, h, w) bool with a True in it: all channels of a rectangle or,
        as often, one of them.
    """
    top, left, height, width = frame(place.free)
    rows, columns = 1, 1
    while True:
        yield _blocks(place, (top, left, height, width), rows, columns)
        if height * columns >= width * rows:
            rows = min(2 * rows, height)
        else:
            columns = min(2 * columns, width)


def frame(free: Tensor) -> tuple[int, int, int, int]:
    """Top, left, height, width of the smallest rectangle around the values of ``free`` (c, h, w), one at least."""
    places = free.any(0).nonzero()
    top, left = places.amin(0).tolist()
    bottom, right = places.amax(0).tolist()
    return top, left, bottom - top + 1, right - left + 1


def _blocks(place: Place, around: tuple[int, int, int, int], rows: int, columns: int) -> Iterator[Tensor]:
    top, left, height, width = around
    channels, tall, wide = place.clean.shape
    device = place.clean.device
    row = (torch.arange(tall, device=device) - top) * rows // height
    column = (torch.arange(wide, device=device) - left) * columns // width
    channel = torch.arange(channels, device=device)
    for number in place.order(rows * columns):
        block = (row == number // columns)[:, None] & (column == number % columns) & place.free
        picked = place.index(2 * channels) if channels > 1 else channels
        if picked < channels:
            block = block & (channel == picked)[:, None, None]
        if block.any():
            yield block
