"""Where a decision-based search begins: a picture that is read as wanted, however far away.

Nothing is known of the data, so without given ones these are plain pictures first, then random ones from coarse to
fine. A search that finds no start within its tries ends, and its image counts as not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from misread.attack.problem import Problem
    from misread.attack.query.drive import Place

SIDES: Final = (1, 2, 4, 8, 16, 32)
"""Fields per side of the random pictures, one after the other."""


def check_decision(queries: int, tries: int, start: object) -> None:
    """Refuse options of a decision-based attack that mean nothing.

    Args:
        queries: Most passes per image.
        tries: Most of them that look for a start.
        start: (m, c, h, w) starts in [0, 1], or None.

    Raises:
        OptionError: fewer than 2 queries or no try, or starts that are no images.
    """
    if not (queries >= 2 and tries >= 1):
        message = f"a search needs at least 2 queries and 1 try, got {queries} and {tries}"
        raise OptionError(message)
    if start is None:
        return
    fits = isinstance(start, Tensor) and start.ndim == 4 and bool(((start >= 0) & (start <= 1)).all())
    if not fits:
        got = tuple(start.shape) if isinstance(start, Tensor) else repr(start)
        message = f"start is a tensor of images (m, c, h, w) in [0, 1], got {got}; leave it out to begin at random"
        raise OptionError(message)


def check_starts(problem: Problem, start: Tensor | None) -> None:
    """Refuse starts of another size than the images.

    Raises:
        InputError: They differ.
    """
    if start is not None and start.shape[1:] != problem.images.shape[1:]:
        sizes = f"{tuple(problem.images.shape[1:])}, got {tuple(start.shape[1:])}"
        message = f"expected starts of the images' size {sizes}; resize them first"
        raise InputError(message)


def find_start(place: Place, given: Tensor | None, tries: int) -> Generator[Tensor, bool, Tensor | None]:
    """Ask about one start after the other until one reaches the goal; the given ones come first.

    Args:
        place: The image.
        given: (m, c, h, w) in [0, 1], for instance images of the wanted class; None for none.
        tries: Most starts that are asked about.

    Returns:
        (c, h, w) which reaches the goal, or None.
    """
    for number, start in enumerate(_starts(place, given)):
        if number == tries:
            break
        x = torch.where(place.free, start, place.clean)
        if (yield x):
            return x
    return None


def from_boundary(place: Place, start: Tensor, share: float) -> Generator[Tensor, bool, float]:
    """Bisect between the clean image and a start.

    Args:
        place: The image.
        start: (c, h, w) which reaches the goal.
        share: How near to the boundary, as a share of the answer.

    Returns:
        The part of the way from the clean image, in (0, 1], that still reaches the goal.
    """
    change, low, high = start - place.clean, 0.0, 1.0
    while high - low > share * high:
        middle = (low + high) / 2
        if (yield place.clean + middle * change):
            high = middle
        else:
            low = middle
    return high


def _starts(place: Place, given: Tensor | None) -> Iterator[Tensor]:
    clean = place.clean
    if given is not None:
        yield from given.to(clean)
    yield 1 - clean
    yield place.uniform(*clean.shape)
    yield torch.ones_like(clean)
    yield torch.zeros_like(clean)
    channels, height, width = clean.shape
    while True:
        for side in SIDES:
            tall, wide = min(side, height), min(side, width)
            coarse = place.uniform(channels, tall, wide)
            if place.index(2):
                coarse = coarse.round()
            rows = torch.arange(height, device=clean.device) * tall // height
            columns = torch.arange(width, device=clean.device) * wide // width
            yield coarse[:, rows][:, :, columns]
