"""How long a run may take."""

from __future__ import annotations

import math
import time


class Clock:
    """How much of a run's time is left, the time before it was resumed included."""

    def __init__(self, limit: float | None, *, before: float = 0.0) -> None:
        """Start.

        Args:
            limit: Seconds of the whole run; None is no limit.
            before: Seconds spent before.
        """
        self.limit, self._started = limit, time.perf_counter() - before

    @property
    def spent(self) -> float:
        """Seconds since the run began, pauses left out."""
        return time.perf_counter() - self._started

    @property
    def left(self) -> float:
        """Seconds, infinite without a limit, never below 0."""
        return math.inf if self.limit is None else max(0.0, self.limit - self.spent)
