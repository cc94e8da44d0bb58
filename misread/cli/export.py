"""`misread export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import INT8, ORIGIN, PREPARATION, SESSION, sharing
from misread.cli.options import (
    BakePreprocessing,
    Json,
    Overwrite,
    Seed,
    costs_said,
    fed_said,
    int8_said,
    origin_said,
    session_said,
)


@app.command()
@sharing(INT8, SESSION, ORIGIN, PREPARATION)
def export(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="signs, timm:NAME, hf:ORG/NAME, file.py:factory, net.pt2 …")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.onnx", help="The ONNX file to write.")],
    precision: Annotated[
        list[str] | None, typer.Option(help="fp32, fp16, int8 or int8-dynamic; may be repeated. [default: fp32]")
    ] = None,
    parity_data: Annotated[Path | None, typer.Option(metavar="DIR", help="Real pictures to compare on.")] = None,
    bake_preprocessing: BakePreprocessing = False,
    batch: Annotated[str, typer.Option(help="Pictures per call: a number, or dynamic.")] = "dynamic",
    opset: Annotated[int | None, typer.Option(help="Of the ONNX file; checked after the export.")] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Export a PyTorch classifier to ONNX builds that agree with it."""
    from misread.export.run import ExportOptions, export_builds
    from misread.flags import parse_batch
    from misread.report.text.export import export_text

    options = ExportOptions(
        origin=origin,
        out=out,
        precisions=tuple(precision or ("fp32",)),
        int8=int8_said(context),
        session=session_said(context),
        parity_data=parity_data,
        bake_preprocessing=bake_preprocessing,
        batch=parse_batch(batch),
        opset=opset,
        seed=seed,
        overwrite=overwrite,
        **origin_said(context),
        **fed_said(context),
        **costs_said(context),
    )
    show(export_builds(options, progress=progress()), export_text, "misread-export", as_json=json)
