"""`misread physical`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, ORIGIN, sharing
from misread.cli.options import AwayFrom, Json, Overwrite, Seed, Targets, flags_said, origin_said

MoreBuilds = Annotated[
    list[Path] | None,
    typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file that reads the captures; may be repeated."),
]
Corners = Annotated[
    str | None, typer.Option(metavar="'X,Y ...'", help="Outline of the sign in pixels. [shipped pictures: known]")
]


@app.command()
@sharing(ORIGIN, CARD)
def physical(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="signs, file.py:factory, package.module:factory, or an ONNX file.")],
    picture: Annotated[Path | None, typer.Argument(help="Of one sign. [signs: the shipped stop sign]")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="Folder for the witnesses.")],
    builds: MoreBuilds = None,
    label: Annotated[str | None, typer.Option(help="What the picture shows. [shipped pictures: known]")] = None,
    corners: Corners = None,
    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="Or a picture: light, or opaque, is sign.")] = None,
    threat: Annotated[str, typer.Option(help="sign: all of it a little; patch: all of it; stickers.")] = "sign",
    eps: Annotated[str, typer.Option(help="Size of the change for sign.")] = "16/255",
    area: Annotated[float, typer.Option(help="Share of the sign under stickers, at most.")] = 0.15,
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures to show the sign before; half are kept for measuring.")
    ] = None,
    target: Targets = None,
    away_from: AwayFrom = None,
    profile: Annotated[str, typer.Option(help="Of the simulated channel.")] = "webcam-indoor",
    steps: Annotated[int, typer.Option(help="Of the search.")] = 120,
    draws: Annotated[int, typer.Option(help="Simulated frames in each step.")] = 24,
    rule: Annotated[str, typer.Option(help="How gradients become steps: mi-fgsm, pgd or adam.")] = "mi-fgsm",
    tv: Annotated[float, typer.Option(metavar="WEIGHT", help="Of roughness, the total variation.")] = 0.0,
    printable: Annotated[float, typer.Option(metavar="WEIGHT", help="Of the distance to printable colours.")] = 0.0,
    palette: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A picture of what your printer prints.  [a coarse cube]")
    ] = None,
    clips: Annotated[int, typer.Option(help="Held-out clips.")] = 20,
    frames: Annotated[int, typer.Option(help="Frames in each.")] = 12,
    digital: Annotated[bool, typer.Option("--digital", help="Also for the perfect capture, to compare.")] = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Change a sign so that it is misread when it is filmed."""
    from misread.attack.printed import PrintedOptions, physical_to_bundle
    from misread.flags import parse_number, parse_points
    from misread.report.text.physical import physical_text
    from misread.wish import Wish

    options = PrintedOptions(
        origin=model,
        out=out,
        picture=picture,
        label=label,
        threat=threat,
        eps=parse_number(eps),
        area=area,
        corners=parse_points(corners) if corners else (),
        mask=mask,
        digital=digital,
        builds=tuple(builds or ()),
        wish=Wish.of(target or (), away_from or ()),
        backgrounds=backgrounds,
        profile=profile,
        steps=steps,
        draws=draws,
        rule=rule,
        tv=tv,
        printable=printable,
        palette=palette,
        clips=clips,
        frames=frames,
        seed=seed,
        overwrite=overwrite,
        flags=flags_said(context),
        **origin_said(context),
    )
    show(physical_to_bundle(options, progress=progress()), physical_text, "misread-physical", as_json=json)
