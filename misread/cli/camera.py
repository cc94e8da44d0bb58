"""`misread camera`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import CARD, SESSION, sharing
from misread.cli.options import Builds, Json, Overwrite, Seed, card_said, session_said


@app.command()
@sharing(SESSION, CARD)
def camera(
    context: typer.Context,
    *,
    builds: Builds,
    source: Annotated[
        str, typer.Option(help="virtual, device:0, a stream's URL, a video file or a folder.")
    ] = "virtual",
    bundle: Annotated[Path | None, typer.Option(help="Its witnesses are shown, or named by their markers.")] = None,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="LABEL", help="What a right reading says, without a bundle.")
    ] = None,
    locate: Annotated[str | None, typer.Option(help="fiducials, box:x,y,w,h, centre or frame.")] = None,
    claim: Annotated[
        str, typer.Option(help="raw: the verdicts speak of the crop as filmed; rectified: set upright.")
    ] = "raw",
    headless: Annotated[bool, typer.Option("--headless", help="No window.")] = False,
    seconds: Annotated[float | None, typer.Option(help="When to end.")] = None,
    clips: Annotated[int, typer.Option(help="Of each exhibit, on the virtual camera.")] = 8,
    frames_per_clip: Annotated[int, typer.Option(help="Likewise.")] = 9,
    run: Annotated[int, typer.Option(help="So many frames misread in a row make a run.")] = 3,
    vote: Annotated[
        list[str] | None, typer.Option(metavar="K/N", help="3/5: the label of 3 of the last 5; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for log, summary and key frames.")] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    **_: Any,
) -> None:
    """See live whether a misreading persists before a camera.

    With a control, a placebo and intervals over clips.
    """
    from misread.report.text.camera import camera_text
    from misread.runtime.camera.count import Counting
    from misread.runtime.camera.run import CameraOptions, run_camera
    from misread.runtime.camera.votes import Vote

    options = CameraOptions(
        builds=tuple(builds),
        source=source,
        bundle=bundle,
        witness=tuple(witness or ()),
        expect=expect,
        locate=locate,
        claim=cast("Any", claim),
        headless=headless,
        seconds=seconds,
        clips=clips,
        frames_per_clip=frames_per_clip,
        counting=Counting(run=run, votes=tuple(map(Vote.parse, vote))) if vote else Counting(run=run),
        out=out,
        seed=seed,
        overwrite=overwrite,
        card=card_said(context),
        session=session_said(context),
    )
    show(run_camera(options, progress=progress()), camera_text, "misread-camera", as_json=json)
