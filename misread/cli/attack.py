"""`misread attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from misread.cli.app import app, progress, show
from misread.cli.options import (
    Antialias,
    AwayFrom,
    Interpolation,
    Json,
    Labels,
    Mean,
    Overwrite,
    ResizeMode,
    ResizePx,
    Seed,
    Size,
    Std,
    Targets,
    Weights,
    preparation_said,
)


@app.command()
def attack(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(help="signs, file.py:factory or package.module:factory.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="Folder for the witnesses.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Class folders, a CSV (file,label) or pictures. [signs: the shipped scenes]"),
    ] = None,
    builds: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file to finish and judge on; may be repeated."),
    ] = None,
    name: Annotated[
        str,
        typer.Option("--attack", help="minimal: the smallest change. Within --eps: pgd, apgd, apgd-t, fgsm, mi-fgsm."),
    ] = "minimal",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the attack, as steps=100.")
    ] = None,
    norm: Annotated[str, typer.Option(help="linf or l2.")] = "linf",
    eps: Annotated[str | None, typer.Option(help="Largest change as a fraction of full scale: 8/255.")] = None,
    target: Targets = None,
    away_from: AwayFrom = None,
    space: Annotated[str, typer.Option(help="input: the prepared picture; file: at its own size.")] = "input",
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    weights: Weights = None,
    labels: Labels = None,
    size: Size = None,
    resize: ResizeMode = None,
    resize_px: ResizePx = None,
    interpolation: Interpolation = None,
    antialias: Antialias = None,
    mean: Mean = None,
    std: Std = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Look for changed copies that are misread, and write them as a bundle of PNG files."""
    from misread.attack.options import AttackOptions
    from misread.attack.run import attack_to_bundle
    from misread.attack.threat import Threat
    from misread.flags import parse_number, parse_settings, parse_size
    from misread.report.text.attack import attack_text
    from misread.wish import Wish

    options = AttackOptions(
        origin=origin,
        data=data,
        out=out,
        attack=name,
        settings=parse_settings(setting or ()),
        threat=Threat(norm=cast("Any", norm), eps=parse_number(eps) if eps else None),
        wish=Wish.of(target or (), away_from or ()),
        space=cast("Any", space),
        builds=tuple(builds or ()),
        limit=limit,
        seed=seed,
        overwrite=overwrite,
        weights=weights,
        labels=labels,
        size_hw=parse_size(size) if size else None,
        preparation=preparation_said(context),
    )
    show(attack_to_bundle(options, progress=progress()), attack_text, "misread-attack", as_json=json)
