"""`misread attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, ORIGIN, sharing
from misread.cli.options import AwayFrom, Device, Json, Overwrite, Seed, Targets, flags_said, origin_said

Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Class folders, a CSV (file,label) or pictures. [signs: the shipped scenes]"),
]
MoreBuilds = Annotated[
    list[Path] | None,
    typer.Option("--model", "-m", metavar="BUILD", help="An ONNX file to finish and judge on; may be repeated."),
]
Name = Annotated[
    str,
    typer.Option(
        "--attack",
        help="minimal, fab: the smallest change. Within --eps: apgd, apgd-t, pgd, fgsm, mi-fgsm. "
        "Only asking: square, sparse-rs, rays, surfree.",
    ),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the attack, as steps=100.")
]


Transfer = Annotated[
    str, typer.Option(metavar="STAGES", help="For other networks: mi,di,ti,si,bsr before the gradients.")
]
Together = Annotated[
    list[str] | None,
    typer.Option("--ensemble", metavar="MODEL", help="Attack the mean of MODEL and this one; may be repeated."),
]

Eps = Annotated[str | None, typer.Option(help="Size of the change: 8/255; for l2 and l1 a length, for l0 pixels.")]

Bfloat16 = Annotated[
    bool, typer.Option("--bfloat16", help="Gradients in bfloat16 where that is quicker; verdicts stay float32.")
]
PackBuilds = Annotated[
    bool, typer.Option("--pack-builds", help="Put the builds into the bundle, to be replayed on the device.")
]
_AS_SAID: Final = (
    "data", "out", "transfer", "limit", "passes", "seconds", "seed", "device", "chunk", "bfloat16", "pack_builds",
    "overwrite", "resume",
)  # fmt: skip
"""Options that go on under their own name as they were typed."""


@app.command()
@sharing(ORIGIN, CARD)
def attack(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="signs, file.py:factory, package.module:factory, or an ONNX file.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="Folder for the witnesses.")],
    data: Data = None,
    builds: MoreBuilds = None,
    name: Name = "minimal",
    setting: Settings = None,
    transfer: Transfer = "",
    ensemble: Together = None,
    norm: Annotated[str, typer.Option(help="linf, l2, l1 or l0.")] = "linf",
    eps: Eps = None,
    target: Targets = None,
    away_from: AwayFrom = None,
    space: Annotated[str, typer.Option(help="input: the prepared picture; file: at its own size.")] = "input",
    limit: Annotated[int | None, typer.Option(help="At most so many pictures, spread evenly.")] = None,
    passes: Annotated[int | None, typer.Option(help="At most so many passes, or queries, a picture.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Of the whole run; what is not reached is counted.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    device: Device = "cpu",
    chunk: Annotated[int | None, typer.Option(help="Pictures in one pass. [measured]")] = None,
    bfloat16: Bfloat16 = False,
    pack_builds: PackBuilds = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """Find changed copies that are misread; write them as a bundle."""
    from misread.attack.options import AttackOptions
    from misread.attack.run import attack_to_bundle
    from misread.attack.threat import Threat
    from misread.flags import parse_number, parse_settings
    from misread.report.text.attack import attack_text
    from misread.wish import Wish

    options = AttackOptions(
        origin=model,
        attack=name,
        settings=parse_settings(setting or ()),
        ensemble=tuple(ensemble or ()),
        threat=Threat(norm=cast("Any", norm), eps=parse_number(eps) if eps else None),
        wish=Wish.of(target or (), away_from or ()),
        space=cast("Any", space),
        builds=tuple(builds or ()),
        flags=flags_said(context),
        **origin_said(context),
        **{option: context.params[option] for option in _AS_SAID},
    )
    show(attack_to_bundle(options, progress=progress()), attack_text, "misread-attack", as_json=json)
