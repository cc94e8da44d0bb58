"""Times until something happens, where some were not watched long enough to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDING = 1e-12


def median_wait(waits: Sequence[tuple[float, bool]]) -> float | None:
    """Return Kaplan and Meier's median: the first time at which at most half are still waiting.

    Args:
        waits: per case a time, and whether it happened then (True) or the watching ended (False).

    Returns:
        None where more than half were still waiting when the watching ended, or of no cases.
    """
    waiting, left = 1.0, len(waits)
    # At one and the same time what happened comes before what was no longer watched.
    for time, happened in sorted(waits, key=lambda wait: (wait[0], not wait[1])):
        waiting *= 1 - happened / left
        left -= 1
        if happened and waiting <= 0.5 + _ROUNDING:
            return time
    return None
