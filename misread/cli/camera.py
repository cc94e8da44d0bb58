"""`misread camera`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from misread.cli.app import app, progress, show
from misread.cli.groups import BROWSER, CARD, SESSION, STAND, sharing
from misread.cli.options import Builds, Json, Overwrite, Seed, browser_said, card_said, session_said, stand_said


@app.command()
@sharing(BROWSER, STAND, SESSION, CARD)
def camera(
    context: typer.Context,
    *,
    builds: Builds,
    source: Annotated[
        str, typer.Option(help="virtual, device:0, screen:, a URL, a video, a folder, replay:FOLDER, footage:FOLDER.")
    ] = "virtual",
    no_lock: Annotated[
        bool, typer.Option("--no-lock", help="Leave a camera's exposure, focus and white balance to it.")
    ] = False,
    bundle: Annotated[Path | None, typer.Option(help="Its witnesses are shown, or named by their markers.")] = None,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="LABEL", help="What a right reading says, without a bundle.")
    ] = None,
    locate: Annotated[str | None, typer.Option(help="fiducials, contour:red, box:x,y,w,h, centre or frame.")] = None,
    claim: Annotated[
        str, typer.Option(help="raw: the verdicts speak of the crop as filmed; rectified: set upright.")
    ] = "raw",
    headless: Annotated[bool, typer.Option("--headless", help="No window.")] = False,
    seconds: Annotated[float | None, typer.Option(help="When to end.")] = None,
    clips: Annotated[int, typer.Option(help="Of each exhibit, on the virtual camera.")] = 8,
    frames_per_clip: Annotated[int, typer.Option(help="Likewise.")] = 9,
    profile: Annotated[
        str,
        typer.Option(help="Virtual: webcam-indoor, phone-print, screen, dashcam, webcam-outdoor, -dusk, FILE.json."),
    ] = "webcam-outdoor-1",
    run: Annotated[int, typer.Option(help="So many frames misread in a row make a run.")] = 3,
    vote: Annotated[
        list[str] | None, typer.Option(metavar="K/N", help="3/5: the label of 3 of the last 5; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for log, summary and key frames.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep every frame there, for replay:FOLDER.")] = False,
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
    from misread.runtime.source import Lock, SourceOptions

    options = CameraOptions(
        builds=tuple(builds),
        source=source,
        feed=SourceOptions(lock=None if no_lock else Lock()),
        bundle=bundle,
        witness=tuple(witness or ()),
        expect=expect,
        locate=locate,
        **stand_said(context),
        claim=cast("Any", claim),
        headless=headless,
        serve=browser_said(context),
        seconds=seconds,
        clips=clips,
        frames_per_clip=frames_per_clip,
        profile=profile,
        counting=Counting(run=run, votes=tuple(map(Vote.parse, vote))) if vote else Counting(run=run),
        out=out,
        record=record,
        seed=seed,
        overwrite=overwrite,
        card=card_said(context),
        session=session_said(context),
    )
    result = run_camera(options, progress=progress(), on_address=lambda url: typer.echo(f"serving {url}", err=True))
    show(result, camera_text, "misread-camera", as_json=json)
