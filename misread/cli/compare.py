"""`misread compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, ORIGIN, SESSION, sharing
from misread.cli.options import Json, session_said
from misread.cli.readers import open_reader


@app.command()
@sharing(SESSION, ORIGIN, CARD)
def compare(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="The reference: an ONNX file or an origin.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other: an ONNX file or an origin.")],
    *,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Class folders, pictures, a CSV, JSON lines or npz.")],
    min_agreement: Annotated[float, typer.Option(help="Smallest share of pictures that both must read alike.")] = 0.95,
    layers: Annotated[bool, typer.Option("--layers", help="Drift by layer too; needs misread[export].")] = False,
    inputs_a: Annotated[
        Path | None, typer.Option(metavar="NPZ", help="What a device fed to A: npz or folder of npy, by picture name.")
    ] = None,
    inputs_b: Annotated[Path | None, typer.Option(metavar="NPZ", help="Likewise, to B.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    weights_b: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of B, where they are not those of A.")
    ] = None,
    json: Json = False,
    **_: Any,
) -> None:
    """Say how, and why, two builds or origins read differently.

    How often they agree, by how much they differ beyond their noise, and what is the cause.
    """
    from misread.report.text.compare import compare_text
    from misread.runtime.compare import CompareOptions
    from misread.runtime.compare import compare as run

    options = CompareOptions(data=data, min_agreement=min_agreement, limit=limit, inputs_a=inputs_a, inputs_b=inputs_b)
    run_as = session_said(context)
    one, other = open_reader(context, a, run_as), open_reader(context, b, run_as, weights=weights_b)
    measure = _layers() if layers else None
    result = run(one, other, options, layers=measure, progress=progress())
    show(result, compare_text, "misread-comparison", as_json=json)


def _layers() -> Any:
    from misread.export.drift import layer_drift

    return layer_drift
