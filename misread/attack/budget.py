"""How much an attack may spend on an image; `Problem` keeps to it, whatever the attack does."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from misread.errors import OptionError


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Limits of one call of `execute`. None is no limit.

    Attributes:
        passes: Passes per image, those with a gradient included; the two by which `execute` measures are not counted.
        seconds: Wall-clock time of the call; what is under way when it ends is finished first.

    Raises:
        OptionError: a limit that leaves nothing to do.
    """

    passes: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits below one pass or without time."""
        if self.passes is not None and not self.passes >= 1:
            message = f"a budget of passes is at least 1 per image, got {self.passes}; leave it out for no limit"
            raise OptionError(message)
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            message = f"a budget of seconds is above 0, got {self.seconds}; leave it out for no limit"
            raise OptionError(message)

    @property
    def deadline(self) -> float:
        """The reading of ``time.perf_counter`` at which a call that begins now must stop asking."""
        return math.inf if self.seconds is None else time.perf_counter() + self.seconds
