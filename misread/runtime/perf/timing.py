"""The warm timings: the builds take turns in short blocks, so that a machine that slows down slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A clock in nanoseconds; tests pass their own.
Clock = Callable[[], int]

STEPS: Final = ("prepare", "run", "read")
BLOCK: Final = 10
#: A block of slow calls holds fewer of them, so that the builds still take turns.
BLOCK_NS: Final = 250_000_000
CLOCK: Final[Clock] = time.perf_counter_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One build in one setting, as calls.

    Attributes:
        name: of the build.
        batch: pictures in each call.
        prepare: brings the pictures to the model's input; its argument counts the calls, to take other pictures.
        run: onnxruntime alone, on an input that is ready.
        read: the whole: prepare, run, logits.
    """

    name: str
    batch: int
    prepare: Callable[[int], object]
    run: Callable[[int], object]
    read: Callable[[int], object]


@dataclass(kw_only=True, slots=True)
class Timed:
    """What the timings of one job came to.

    Attributes:
        took_ns: durations of all calls, by step.
        rounds_ns: median duration per picture of each round, by step.
    """

    took_ns: dict[str, list[int]] = field(default_factory=lambda: {step: [] for step in STEPS})
    rounds_ns: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})


def time_jobs(
    jobs: Sequence[Job],
    *,
    iterations: int,
    warmup: int,
    seconds: float,
    clock: Clock = CLOCK,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Timed]:
    """Time every step of every job, in rounds; the order of the jobs turns round from one round to the next.

    Args:
        jobs: one a build.
        iterations: timings of each step of each job.
        warmup: untimed calls of each step first.
        seconds: no round begins later than this after the first; one is always finished.
        clock: in nanoseconds.
        progress: told how many timings of each step are done.
    """
    slowest_ns = max(_warm(job, warmup, clock) for job in jobs)
    block = max(1, min(BLOCK, iterations // BLOCK, BLOCK_NS // max(slowest_ns, 1)))
    timed = [Timed() for _ in jobs]
    order = list(range(len(jobs)))
    done, end_ns = 0, clock() + int(seconds * 1e9)
    while done < iterations and (done == 0 or clock() < end_ns):
        count = min(block, iterations - done)
        for at in order:
            for step in STEPS:
                took = _block(getattr(jobs[at], step), done, count, clock)
                timed[at].took_ns[step] += took
                timed[at].rounds_ns[step].append(float(np.median(took)) / jobs[at].batch)
        order.reverse()
        done += count
        progress(done)
    return timed


def _warm(job: Job, warmup: int, clock: Clock) -> int:
    """Call each step a few times; return the last duration of the whole read."""
    took = [0]
    for step in STEPS:
        took = _block(getattr(job, step), 0, warmup, clock)
    return took[-1]


def _block(call: Callable[[int], object], first: int, count: int, clock: Clock) -> list[int]:
    """Time `count` calls after one that does not count: it finds the caches full of another build."""
    call(first)
    took = []
    for at in range(first, first + count):
        start = clock()
        call(at)
        took.append(clock() - start)
    return took
