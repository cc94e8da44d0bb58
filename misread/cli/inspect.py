"""`misread inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, show
from misread.cli.options import (
    Antialias,
    Colour,
    Interpolation,
    Json,
    Labels,
    Mean,
    Output,
    PadLevel,
    ResizeMode,
    ResizePx,
    Scale,
    Size,
    Std,
    card_said,
)


@app.command()
def inspect(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="An ONNX file.")],
    *,
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
    json: Json = False,
) -> None:
    """Say what an ONNX file holds: card, inputs, operators, precision, weights. Runs nothing of it."""
    from misread.report.text.inspection import inspection_text
    from misread.runtime.inspect import inspect as run

    show(run(model, card=card_said(context)), inspection_text, "misread-inspection", as_json=json)
