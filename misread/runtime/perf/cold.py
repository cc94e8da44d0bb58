"""Cold starts: each in a fresh process, the builds taking turns, and the medians of what they saw."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from misread.runtime.perf.result import Cold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.runtime.perf.child import Started, Task


def cold_starts(
    tasks: Sequence[Task],
    *,
    starts: int,
    seconds: float,
    starter: Callable[..., Started],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Cold | None]:
    """Start every task `starts` times, in turns; None for each where that is 0.

    Args:
        tasks: one a build.
        starts: fresh processes for each.
        seconds: bound of one.
        starter: takes a task and the bound, and returns what the process saw.
        progress: told how many processes are done, and how many there are.

    Raises:
        ModelRunError: one died, or hung.
    """
    if not starts:
        return [None for _ in tasks]
    found: list[list[Started]] = [[] for _ in tasks]
    for turn in range(starts):
        for at, task in enumerate(tasks):
            progress(turn * len(tasks) + at, starts * len(tasks))
            found[at].append(starter(task, seconds=seconds))
    progress(starts * len(tasks), starts * len(tasks))
    return [_cold(entries) for entries in found]


def _cold(found: Sequence[Started]) -> Cold:
    return Cold(
        starts=len(found),
        start_ms=median(entry.start_ms for entry in found),
        start_least_ms=min(entry.start_ms for entry in found),
        start_most_ms=max(entry.start_ms for entry in found),
        python_ms=median(entry.python_ms for entry in found),
        load_ms=median(entry.load_ms for entry in found),
        first_ms=median(entry.first_ms for entry in found),
        peak_bytes=_middle([entry.peak_bytes for entry in found]),
        baseline_bytes=_middle([entry.baseline_bytes for entry in found]),
        memory_source=found[0].memory_source,
    )


def _middle(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(median(known)) if known else None
