"""One run of a minimal attack answers for every eps: what it found at a size, it found within every larger budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.stats import Rate


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
