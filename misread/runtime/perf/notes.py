"""What a reader of the figures should know before he trusts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.runtime.perf.summary import PERCENTILES, fewest
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from misread.runtime.perf.conditions import Conditions
    from misread.runtime.perf.result import Build, Setting

#: Shares and ratios from which something is worth a word.
OTHERS: Final = 0.05
STOLEN: Final = 0.01
DRIFT: Final = 0.10
_STEADY: Final = frozenset({"performance", "userspace"})


def notes_of(
    builds: Sequence[Build],
    settings: Sequence[Setting],
    conditions: Conditions,
    *,
    iterations: int,
    batches: Sequence[int],
    usable: int | None = None,
) -> tuple[str, ...]:
    """Return one sentence each.

    Args:
        builds: that were measured.
        settings: in which.
        conditions: what the machine was doing.
        iterations: timings that were asked for.
        batches: that were asked for.
        usable: threads that this process may use; found out where it is not given.
    """
    return (
        *_machine(conditions),
        *_threads(settings, usable_threads() if usable is None else usable),
        *_counts(settings, iterations),
        *_drifts(settings),
        *_fixed(builds, batches),
        *_memory(settings),
    )


def _machine(conditions: Conditions) -> Iterator[str]:
    if conditions.others is not None and conditions.others >= OTHERS:
        yield (
            f"other processes took {100 * conditions.others:.0f} % of the processors meanwhile; all times are too "
            "long, ratios suffer less"
        )
    if conditions.stolen is not None and conditions.stolen >= STOLEN:
        yield (
            f"the host of this virtual machine kept {100 * conditions.stolen:.0f} % of the processors for others; "
            "the slowest calls are its doing"
        )
    if conditions.governor and not set(conditions.governor.split(", ")) <= _STEADY:
        yield f"the clock governor is {conditions.governor}, so the clock follows the load; performance keeps it steady"
    if conditions.throttled:
        yield "a core was slowed because it was hot; these are the figures of a hot machine"


def _threads(settings: Sequence[Setting], usable: int) -> Iterator[str]:
    for threads in sorted({setting.threads for setting in settings if setting.threads > usable}):
        yield f"{threads} threads share the {usable} that this process may use"


def _counts(settings: Sequence[Setting], iterations: int) -> Iterator[str]:
    count = min(measured.read.count for setting in settings for measured in setting.measured)
    if count < iterations:
        yield f"the bound of --seconds left {count} of {iterations} timings in the shortest setting"
    missing = [percent for percent in PERCENTILES if count < fewest(percent)]
    if missing:
        needs = ", ".join(f"p{percent} {fewest(percent)}" for percent in missing)
        yield f"too few timings for some percentiles (needed: {needs}); raise --iterations or --seconds"


def _drifts(settings: Sequence[Setting]) -> Iterator[str]:
    for setting in settings:
        for measured in setting.measured:
            if measured.drift is not None and measured.drift >= 1 + DRIFT:
                yield (
                    f"{measured.build} took {100 * (measured.drift - 1):.0f} % longer at the end than at the beginning "
                    f"({setting.name}): heat, or other work"
                )


def _fixed(builds: Sequence[Build], batches: Sequence[int]) -> Iterator[str]:
    for build in builds:
        if build.fixed_batch is not None and set(batches) != {build.fixed_batch}:
            yield f"{build.name} takes {build.fixed_batch} at a time and was measured so; ratios are per picture"


def _memory(settings: Sequence[Setting]) -> Iterator[str]:
    sources = {
        measured.cold.memory_source
        for setting in settings
        for measured in setting.measured
        if measured.cold is not None
    }
    if "" in sources:
        yield "this system does not tell how much memory a process holds"
    if "getrusage" in sources:
        yield "memory before the build was loaded is the peak until then, so what the build adds may be too small"
