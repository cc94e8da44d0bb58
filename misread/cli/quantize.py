"""`misread quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, INT8, SESSION, sharing
from misread.cli.options import Json, Overwrite, Seed, card_said, costs_said, int8_said, session_said


@app.command()
@sharing(INT8, SESSION, CARD)
def quantize(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A float32 ONNX file.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.onnx", help="The ONNX file to write.")],
    precision: Annotated[str, typer.Option(help="int8, int8-dynamic, fp16; keep: only other forms.")] = "int8",
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Make an int8 or fp16 build, and say what it costs in accuracy."""
    from misread.export.quantize.run import QuantizeOptions
    from misread.export.quantize.run import quantize as run
    from misread.report.text.quantize import quantize_text

    options = QuantizeOptions(
        model=model,
        out=out,
        precision=precision,
        card=card_said(context),
        int8=int8_said(context),
        session=session_said(context),
        seed=seed,
        overwrite=overwrite,
        **costs_said(context),
    )
    show(run(options, progress=progress()), quantize_text, "misread-quantization", as_json=json)
