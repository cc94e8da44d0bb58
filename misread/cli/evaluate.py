"""`misread eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, ORIGIN, SESSION, sharing
from misread.cli.options import Json, Overwrite, session_said


@app.command("eval")
@sharing(SESSION, ORIGIN, CARD)
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
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Say how well a model reads labelled pictures.

    Accuracy, classes, confusions, calibration. A file needs no torch.
    """
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
