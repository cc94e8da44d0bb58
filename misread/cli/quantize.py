"""`misread quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app, progress, show
from misread.cli.options import (
    Antialias,
    CalibrationData,
    CalibrationPictures,
    Colour,
    Interpolation,
    Json,
    Labels,
    Level,
    MaxDrop,
    Mean,
    Measured,
    MeasuredLimit,
    Method,
    OrtFormat,
    Output,
    Overwrite,
    PadLevel,
    PerChannel,
    ProviderOptions,
    Providers,
    ResizeMode,
    ResizePx,
    Scale,
    Seed,
    SessionSettings,
    Size,
    Spinning,
    StaticTwin,
    Std,
    Symmetric,
    Target,
    Threads,
    card_said,
    int8_said,
    session_said,
)


@app.command()
def quantize(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="A float32 ONNX file.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.onnx", help="The ONNX file to write.")],
    precision: Annotated[str, typer.Option(help="int8, int8-dynamic, fp16; keep: only other forms.")] = "int8",
    calibration_data: CalibrationData = None,
    calibration_pictures: CalibrationPictures = 256,
    method: Method = None,
    per_channel: PerChannel = None,
    symmetric: Symmetric = None,
    target: Target = None,
    data: Measured = None,
    limit: MeasuredLimit = None,
    max_drop: MaxDrop = None,
    static_twin: StaticTwin = False,
    ort: OrtFormat = False,
    threads: Threads = 0,
    level: Level = "all",
    provider: Providers = None,
    provider_option: ProviderOptions = None,
    spinning: Spinning = False,
    session: SessionSettings = None,
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
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make an int8 or fp16 build of an ONNX file, and say what it costs in accuracy."""
    from misread.export.quantize.run import QuantizeOptions
    from misread.export.quantize.run import quantize as run
    from misread.report.text.quantize import quantize_text

    options = QuantizeOptions(
        model=model,
        out=out,
        precision=precision,
        card=card_said(context),
        int8=int8_said(context),
        calibration_data=calibration_data,
        calibration_pictures=calibration_pictures,
        data=data,
        limit=limit,
        max_drop=max_drop,
        static_twin=static_twin,
        ort_format=ort,
        session=session_said(context),
        seed=seed,
        overwrite=overwrite,
    )
    show(run(options, progress=progress()), quantize_text, "misread-quantization", as_json=json)
