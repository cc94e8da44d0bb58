"""What a graph itself says of how it is fed: the shapes of its input and of its output."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from misread.cards.facts import CardFacts

if TYPE_CHECKING:
    from collections.abc import Sequence


def graph_facts(taken: Sequence[object] | None, given: Sequence[object] | None) -> CardFacts:
    """Return the size where it is fixed, grey for one channel, and how many classes there are where that is fixed.

    Args:
        taken: shape of the input, (n, c, h, w); names or None stand for sides that are open.
        given: shape of the output, (n, k), perhaps with more sides of one.
    """
    channels, *size = taken[1:] if taken is not None and len(taken) == 4 else (None,)
    sides = tuple(side for side in size if _fixed(side))
    return CardFacts(
        size_hw=(sides[0], sides[1]) if len(sides) == 2 else None,
        colour="grey" if channels == 1 else None,
        classes=_classes(given),
    )


def _classes(given: Sequence[object] | None) -> int | None:
    sides = [side for side in (given or ())[1:] if _fixed(side)]
    count = math.prod(sides)
    return count if given is not None and len(sides) == len(given) - 1 and count >= 2 else None


def _fixed(side: object) -> TypeGuard[int]:
    return isinstance(side, int) and not isinstance(side, bool) and side > 0
