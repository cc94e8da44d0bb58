"""`misread eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, progress, show
from misread.cli.options import (
    Antialias,
    Arguments,
    Colour,
    Interpolation,
    Json,
    Labels,
    Level,
    Mean,
    Output,
    Overwrite,
    PadLevel,
    ProviderOptions,
    Providers,
    ResizeMode,
    ResizePx,
    Scale,
    SessionSettings,
    Size,
    Spinning,
    Std,
    Threads,
    Trust,
    Weights,
    session_said,
)


@app.command("eval")
def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="An ONNX file, or an origin: signs, timm:NAME, file.py:factory …")],
    *,
    data: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Class folders, a CSV or JSONL (file,label), an npz."),
    ],
    classes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the data's class names mean; sorted: folders by name are 0, 1, 2 …"),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    min_accuracy: Annotated[float | None, typer.Option(help="Exit 1 below this share, as 0.9.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="A .csv or .jsonl with a line per picture.")
    ] = None,
    threads: Threads = 0,
    level: Level = "all",
    provider: Providers = None,
    provider_option: ProviderOptions = None,
    spinning: Spinning = False,
    session: SessionSettings = None,
    weights: Weights = None,
    arg: Arguments = None,
    trust: Trust = False,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    pad_level: PadLevel = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    colour: Colour = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    output: Output = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Say how well a model reads labelled pictures: accuracy, classes, confusions. A file needs no torch."""
    from misread.cli.readers import open_reader
    from misread.report.text.evaluation import evaluation_text
    from misread.runtime.evaluate import EvalOptions
    from misread.runtime.evaluate import evaluate as run

    options = EvalOptions(
        data=data,
        limit=limit,
        classes=classes,
        min_accuracy=min_accuracy,
        out=out,
        overwrite=overwrite,
    )
    reader = open_reader(context, model, session_said(context))
    show(run(reader, options, progress=progress()), evaluation_text, "misread-evaluation", as_json=json)
