"""`misread export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, progress, show
from misread.cli.options import (
    Antialias,
    Arguments,
    BakePreprocessing,
    CalibrationData,
    CalibrationPictures,
    Interpolation,
    Json,
    Labels,
    MaxDrop,
    Mean,
    Measured,
    MeasuredLimit,
    Method,
    OrtFormat,
    Overwrite,
    PadLevel,
    PerChannel,
    ResizeMode,
    ResizePx,
    Seed,
    Size,
    StaticTwin,
    Std,
    Symmetric,
    Target,
    Trust,
    Weights,
    int8_said,
    preparation_said,
)


@app.command()
def export(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="signs, timm:NAME, hf:ORG/NAME, file.py:factory, net.pt2 …")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.onnx", help="The ONNX file to write.")],
    precision: Annotated[
        list[str] | None, typer.Option(help="fp32, fp16, int8 or int8-dynamic; may be repeated. [default: fp32]")
    ] = None,
    calibration_data: CalibrationData = None,
    calibration_pictures: CalibrationPictures = 256,
    method: Method = None,
    per_channel: PerChannel = None,
    symmetric: Symmetric = None,
    target: Target = None,
    data: Measured = None,
    limit: MeasuredLimit = None,
    max_drop: MaxDrop = None,
    parity_data: Annotated[Path | None, typer.Option(metavar="DIR", help="Real pictures to compare on.")] = None,
    bake_preprocessing: BakePreprocessing = False,
    batch: Annotated[str, typer.Option(help="Pictures per call: a number, or dynamic.")] = "dynamic",
    static_twin: StaticTwin = False,
    ort: OrtFormat = False,
    opset: Annotated[int | None, typer.Option(help="Of the ONNX file; checked after the export.")] = None,
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
    mean: Mean = None,
    std: Std = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Export a PyTorch classifier to ONNX builds that agree with it."""
    from misread.export.run import ExportOptions, export_builds
    from misread.flags import parse_batch, parse_settings, parse_size
    from misread.report.text.export import export_text

    options = ExportOptions(
        origin=origin,
        out=out,
        precisions=tuple(precision or ("fp32",)),
        weights=weights,
        arguments=parse_settings(arg or ()),
        trust=trust,
        labels=labels,
        size_hw=parse_size(size) if size else None,
        preparation=preparation_said(context),
        calibration_data=calibration_data,
        calibration_pictures=calibration_pictures,
        int8=int8_said(context),
        data=data,
        limit=limit,
        max_drop=max_drop,
        static_twin=static_twin,
        ort_format=ort,
        parity_data=parity_data,
        bake_preprocessing=bake_preprocessing,
        batch=parse_batch(batch),
        opset=opset,
        seed=seed,
        overwrite=overwrite,
    )
    show(export_builds(options, progress=progress()), export_text, "misread-export", as_json=json)
