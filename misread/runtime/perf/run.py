"""`misread perf`: builds side by side, warm and from a cold start, setting by setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import InputError
from misread.runtime.fingerprint import fingerprint
from misread.runtime.inspect import inspect
from misread.runtime.perf import conditions
from misread.runtime.perf.child import Task
from misread.runtime.perf.cold import cold_starts
from misread.runtime.perf.fresh import fresh
from misread.runtime.perf.gate import gates_of
from misread.runtime.perf.notes import notes_of
from misread.runtime.perf.result import Build, Measured, Perf, Setting
from misread.runtime.perf.subject import MAX_PICTURES, Subject, noise, pictures_of
from misread.runtime.perf.summary import Ratio, drift, speedup, timing
from misread.runtime.perf.timing import CLOCK, Clock, Job, Timed, time_jobs
from misread.runtime.session import Deployed
from misread.runtime.threads import usable_threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from misread.runtime.perf.child import Started
    from misread.runtime.perf.options import PerfOptions
    from misread.runtime.perf.result import Cold
    from misread.runtime.perf.subject import UInt8

Progress = Callable[[str, int, int], None]
Starter = Callable[..., "Started"]


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """What all settings share."""

    options: PerfOptions
    names: tuple[str, ...]
    pictures: tuple[list[UInt8], ...]
    clock: Clock
    starter: Starter
    progress: Progress


def perf(options: PerfOptions, *, progress: Progress = quiet, clock: Clock = CLOCK, starter: Starter = fresh) -> Perf:
    """Measure builds side by side.

    Args:
        options: what to measure, and how long.
        progress: told what is being done, how much of it is done, and how much there is.
        clock: of the warm timings, in nanoseconds.
        starter: starts a fresh process and returns what it saw.

    Raises:
        FileError: a build or a picture is missing or broken.
        ModelError: a build is no classifier, or how to feed it is unknown.
        ModelRunError: onnxruntime failed, or a fresh process died or hung.
    """
    threads = tuple(dict.fromkeys(count or usable_threads() for count in options.threads))
    names = _names(options.builds)
    first = _open(options, threads[0])
    builds = tuple(
        _build(name, path, deployed) for name, path, deployed in zip(names, options.builds, first, strict=True)
    )
    bench = _Bench(
        options=options,
        names=names,
        pictures=_pictures(options, first),
        clock=clock,
        starter=starter,
        progress=progress,
    )
    plan = _plan(options.batches, threads, builds)
    before = conditions.now()
    settings = []
    for at, (count, batch) in enumerate(plan):
        opened = first if count == threads[0] else _open(options, count)
        settings.append(_setting(bench, opened, batch, count, place=(at, len(plan))))
    state = conditions.between(before, conditions.now())
    return Perf(
        builds=builds,
        settings=tuple(settings),
        pictures=_said(options, bench.pictures),
        iterations=options.iterations,
        warmup=options.warmup,
        seed=options.seed,
        spinning=options.session.spinning,
        conditions=state,
        notes=notes_of(builds, settings, state, iterations=options.iterations, batches=options.batches),
        gates=gates_of(settings, max_p95_ms=options.max_p95_ms, min_speedup=options.min_speedup),
    )


def _plan(batches: Sequence[int], threads: Sequence[int], builds: Sequence[Build]) -> list[tuple[int, int]]:
    """Return (threads, batch) of each setting; a batch under which every build does what it did before is left out."""
    kept: dict[tuple[int, ...], int] = {}
    for batch in batches:
        sizes = tuple(build.fixed_batch or batch for build in builds)
        kept.setdefault(sizes, sizes[0] if len(set(sizes)) == 1 else batch)
    return list(product(threads, kept.values()))


def _setting(bench: _Bench, opened: Sequence[Deployed], batch: int, threads: int, *, place: tuple[int, int]) -> Setting:
    options, (at, of) = bench.options, place
    sizes = [deployed.fixed_batch or batch for deployed in opened]
    tasks = [
        Task(
            path=deployed.path,
            card=deployed.card,
            session=deployed.options,
            batch=size,
            runs=min(options.warmup, 10),
            seed=options.seed,
        )
        for deployed, size in zip(opened, sizes, strict=True)
    ]
    colds = cold_starts(
        tasks,
        starts=options.starts,
        seconds=options.child_seconds,
        starter=bench.starter,
        progress=partial(bench.progress, "starting fresh processes"),
    )
    subjects = [Subject(*entry) for entry in zip(opened, bench.pictures, sizes, strict=True)]
    jobs = [
        Job(name=name, batch=size, prepare=subject.prepare, run=subject.run, read=subject.read)
        for name, size, subject in zip(bench.names, sizes, subjects, strict=True)
    ]
    total = options.iterations * of
    timed = time_jobs(
        jobs,
        iterations=options.iterations,
        warmup=options.warmup,
        seconds=options.seconds / of,
        clock=bench.clock,
        progress=lambda done: bench.progress("timing", at * options.iterations + done, total),
    )
    bench.progress("timing", total, total)
    generator = np.random.default_rng((options.seed, 1))
    measured = tuple(
        _measured(job, found, cold, None if job is jobs[0] else timed[0], generator)
        for job, found, cold in zip(jobs, timed, colds, strict=True)
    )
    return Setting(batch=batch, threads=threads, measured=measured)


def _measured(
    job: Job, timed: Timed, cold: Cold | None, first: Timed | None, generator: np.random.Generator
) -> Measured:
    steps = {step: timing(step, took, batch=job.batch) for step, took in timed.took_ns.items()}
    return Measured(
        build=job.name,
        batch=job.batch,
        prepare=steps["prepare"],
        run=steps["run"],
        read=steps["read"],
        drift=drift(timed.rounds_ns["run"]),
        cold=cold,
        run_speedup=_over(first, timed, "run", generator),
        read_speedup=_over(first, timed, "read", generator),
    )


def _over(first: Timed | None, timed: Timed, step: str, generator: np.random.Generator) -> Ratio | None:
    if first is None:
        return None
    return speedup(first.rounds_ns[step], timed.rounds_ns[step], generator=generator)


def _open(options: PerfOptions, threads: int) -> list[Deployed]:
    session = replace(options.session, threads=threads)
    return [Deployed.open(path, card=options.card, options=session) for path in options.builds]


def _build(name: str, path: Path, deployed: Deployed) -> Build:
    try:
        precision = inspect(path).precision
    except InputError:  # the ORT format, which onnxruntime reads and nobody else
        precision = ""
    return Build(
        name=name,
        path=path,
        size_bytes=path.stat().st_size,
        precision=precision,
        fixed_batch=deployed.fixed_batch,
        fingerprint=fingerprint(deployed),
    )


def _pictures(options: PerfOptions, opened: Sequence[Deployed]) -> tuple[list[UInt8], ...]:
    if options.data is not None:
        held = pictures_of(options.data, opened[0].card.labels)
        return tuple(held for _ in opened)
    generator = np.random.default_rng(options.seed)
    return tuple(noise(deployed.card, MAX_PICTURES, generator) for deployed in opened)


def _said(options: PerfOptions, pictures: Sequence[list[UInt8]]) -> str:
    if options.data is not None:
        sizes = sorted({image.shape[:2] for image in pictures[0]}, key=lambda size: size[0] * size[1])
        (height, width), (tall, wide) = sizes[0], sizes[-1]
        span = f"{width}x{height}" if len(sizes) == 1 else f"{width}x{height} to {wide}x{tall}"
        return f"{len(pictures[0])} of {options.data} ({span} pixels), already decoded"
    return f"noise of the card's size (seed {options.seed}), so nothing is decoded or shrunk"


def _names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Call each build by its file name, by its whole path where two share one, and by a number where even that is."""
    times = Counter(path.name for path in dict.fromkeys(paths))
    seen: Counter[Path] = Counter()
    names = []
    for path in paths:
        seen[path] += 1
        name = path.name if times[path.name] == 1 else str(path)
        names.append(name if seen[path] == 1 else f"{name} ({seen[path]})")
    return tuple(names)
