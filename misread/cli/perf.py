"""`misread perf`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, SESSION_BUT_THREADS, sharing
from misread.cli.options import Json, Seed, card_said, session_said


@app.command()
@sharing(SESSION_BUT_THREADS, CARD)
def perf(
    context: typer.Context,
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL", help="ONNX files; the others are compared with the first.")
    ],
    *,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures to read; without it, noise of the input's size.")
    ] = None,
    batch: Annotated[list[int], typer.Option(metavar="N", help="Pictures per call; may be repeated.")] = [1],  # noqa: B006
    thread_counts: Annotated[
        list[int],
        typer.Option("--threads", metavar="N", help="onnxruntime threads, 0 takes what it may; may be repeated."),
    ] = [0],  # noqa: B006
    iterations: Annotated[int, typer.Option(help="Timings of each step, build and setting.")] = 300,
    warmup: Annotated[int, typer.Option(help="Untimed calls before.")] = 10,
    seconds: Annotated[float, typer.Option(help="Bound of all warm timings together.")] = 60.0,
    starts: Annotated[
        int, typer.Option(help="Fresh processes per build and setting, for cold start and memory; 0 for none.")
    ] = 3,
    seed: Seed = 0,
    max_p95_ms: Annotated[
        float | None, typer.Option(metavar="MS", help="Exit 1 where the 95th percentile of the whole read is longer.")
    ] = None,
    min_speedup: Annotated[
        float | None, typer.Option(metavar="R", help="Exit 1 where a build does not run R times as fast as the first.")
    ] = None,
    json: Json = False,
    **_: Any,
) -> None:
    """Measure latency, throughput, cold start and memory.

    Several builds stand side by side, with the ratio and its interval. Needs no torch.
    """
    from misread.report.text.perf import perf_text
    from misread.runtime.perf import PerfOptions
    from misread.runtime.perf import perf as run

    options = PerfOptions(
        builds=tuple(models),
        card=card_said(context),
        data=data,
        batches=tuple(batch),
        session=session_said(context),
        threads=tuple(thread_counts),
        iterations=iterations,
        warmup=warmup,
        seconds=seconds,
        starts=starts,
        seed=seed,
        max_p95_ms=max_p95_ms,
        min_speedup=min_speedup,
    )
    show(run(options, progress=progress()), perf_text, "misread-perf", as_json=json)
