"""`misread assess`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, ORIGIN, sharing
from misread.cli.options import Json, Overwrite, Seed, flags_said, origin_said


@app.command()
@sharing(ORIGIN, CARD)
def assess(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="signs, file.py:factory, package.module:factory, or an ONNX file.")],
    *,
    eps: Annotated[str, typer.Option(help="Size of the change: 8/255, for l2 and l1 a length, for l0 pixels.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Class folders, a CSV (file,label) or pictures. [signs: the shipped scenes]"),
    ] = None,
    norm: Annotated[str, typer.Option(help="linf, l2, l1 or l0.")] = "linf",
    builds: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file that gets a figure of its own; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="BUNDLE", help="Folder for the misread copies.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Seed = 0,
    overwrite: Overwrite = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped; needs its -o.")] = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Measure robust accuracy with the fixed suite.

    Of the model, and of each deployed build.
    """
    from misread.attack.assess.options import AssessOptions
    from misread.attack.assess.run import assess as run
    from misread.attack.threat import Threat
    from misread.flags import parse_number
    from misread.report.text.assess import assess_text

    options = AssessOptions(
        model=model,
        threat=Threat(norm=cast("Any", norm), eps=parse_number(eps)),
        data=data,
        builds=tuple(builds or ()),
        out=out,
        limit=limit,
        seed=seed,
        overwrite=overwrite,
        resume=resume,
        flags=flags_said(context),
        device=device,
        **origin_said(context),
    )
    show(run(options, progress=progress()), assess_text, "misread-assessment", as_json=json)
