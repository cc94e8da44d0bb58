"""When two inputs count as the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from misread.runtime.compare.path.result import Residual

#: A residual is none when its root mean square and its 99.9 % point are no larger than these, in grey levels: rounding
#: to 8 bits once or twice, or not at all, stays below both.
RMS_LEVELS: Final = 0.6
MOST_LEVELS: Final = 1.6


def within(residual: Residual) -> bool:
    """Tell whether a residual is within the tolerance."""
    return residual.rms <= RMS_LEVELS and residual.most <= MOST_LEVELS
