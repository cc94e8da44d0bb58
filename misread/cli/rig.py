"""`misread rig`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from misread.cli.app import app
from misread.cli.options import Seed

READY: Final = {"window": "showing; q, Esc or Ctrl-C ends it"}


@app.command()
def rig(
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 30.0,
    seconds: Annotated[float | None, typer.Option(help="When to end; otherwise with Ctrl-C.")] = None,
    clips: Annotated[int, typer.Option(help="Of each exhibit, before the film starts over.")] = 8,
    frames_per_clip: Annotated[int | None, typer.Option(help="Length of a clip.  [default: a second]")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="webcam-indoor, phone-print, screen, dashcam, webcam-outdoor, -dusk or FILE.json."),
    ] = None,
    transport: Annotated[
        str,
        typer.Option(help="mjpeg: over HTTP. tcp, rtsp: H.264, with misread[video]. window: on this screen."),
    ] = "mjpeg",
    upright: Annotated[
        bool, typer.Option("--upright", help="In a window: the boards alone, for a camera moved by hand.")
    ] = False,
    port: Annotated[int, typer.Option(help="Where to listen; 0 for a free port.")] = 0,
    seed: Seed = 0,
) -> None:
    """Film a bundle with the virtual camera, as a stream.

    Served on loopback, or shown in a window for a real camera, until Ctrl-C.
    """
    from misread.bundle import read_bundle
    from misread.runtime.camera.subject import exhibits_of
    from misread.runtime.rig.serve import RigOptions, serve

    options = RigOptions(
        fps=fps,
        seconds=seconds,
        clips=clips,
        frames_per_clip=frames_per_clip,
        seed=seed,
        profile=profile,
        transport=transport,
        upright=upright,
        port=port,
    )
    exhibits = exhibits_of(read_bundle(bundle), tuple(witness or ()))
    serve(exhibits, options, on_ready=lambda where: typer.echo(READY.get(where, f"serving {where}")))
