"""One run of a minimal attack answers for every eps: what it found at a size, it found within every larger budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.bundle import Bundle
    from misread.stats import Rate

BUDGETS: Final = MappingProxyType(
    {
        "linf": tuple(levels / 255 for levels in (1, 2, 4, 8, 16, 32)),
        "l2": (0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
    }
)
"""Sizes at which a curve is read off, for the norms whose size a bundle holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One point of the curve.

    Attributes:
        eps: Size of the change, as the threat counts it.
        misread: Share of the attacked pictures that a change of that size is enough for.
    """

    eps: float
    misread: Rate


def bundle_curve(bundle: Bundle, attempted: int) -> tuple[Point, ...]:
    """The curve of a minimal attack's bundle; empty for norms whose size a witness does not hold.

    Args:
        bundle: Its witnesses hold the sizes, and its threat the norm and the largest size that was allowed.
        attempted: Pictures that were read right.
    """
    norm, most = str(bundle.threat["norm"]), bundle.threat["eps"] or math.inf
    budgets = [eps for eps in BUDGETS.get(norm, ()) if eps <= most * (1 + 1e-6)]
    sizes = [witness.change.linf if norm == "linf" else witness.change.l2 for witness in bundle.witnesses]
    rates = eps_curve(sizes, attempted, budgets)
    return tuple(Point(eps=eps, misread=rate) for eps, rate in zip(budgets, rates, strict=True))


def eps_curve(sizes: Sequence[float], attempted: int, budgets: Sequence[float]) -> list[Rate]:
    """Share of the attempted images that are misread within each budget.

    Args:
        sizes: Smallest size found of each image, in the threat's unit; inf where nothing was found. Images that were
            skipped may be left out or stand with inf.
        attempted: Images that the clean model reads right.
        budgets: Radii, in any order.

    Returns:
        One rate per budget, with its 95 % interval.

    Raises:
        OptionError: more successes than attempts, or a size or budget that is none.
    """
    found = sum(math.isfinite(size) for size in sizes)
    if found > attempted:
        raise OptionError(f"of {attempted} attempted images at most so many can be misread, got {found} finite sizes")
    if not all(size >= 0 for size in sizes) or not all(eps >= 0 for eps in budgets):
        raise OptionError(f"sizes and budgets are numbers from 0, got {list(sizes)} and {list(budgets)}")
    return [wilson(sum(size <= eps * (1 + 1e-6) for size in sizes), attempted) for eps in budgets]
