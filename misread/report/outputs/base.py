"""What every output file is made from: a verification, and when and where it ran."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """When and where a verification ran, which is no part of its result.

    Attributes:
        started: with its time zone.
        seconds: how long it took.
        host: name of the machine.
        witnesses: whether formats that can should list witnesses one by one.
    """

    started: datetime
    seconds: float
    host: str
    witnesses: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The moment in which a verification began.

    Attributes:
        at: by the wall clock, in UTC.
        ticks_s: by a clock that never jumps.
    """

    at: datetime
    ticks_s: float

    @classmethod
    def now(cls) -> Self:
        """Begin."""
        return cls(at=datetime.now(UTC), ticks_s=time.perf_counter())

    def ended(self, *, witnesses: bool = False) -> Run:
        """Return the run that ends now."""
        return Run(
            started=self.at, seconds=time.perf_counter() - self.ticks_s, host=platform.node(), witnesses=witnesses
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One kind of output file.

    Attributes:
        name: its option, as in `junit`.
        render: the whole text of the file.
    """

    name: str
    render: Callable[[Verification, Run], str]
