"""`misread rig`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from misread.cli.app import app
from misread.cli.options import Seed


@app.command()
def rig(
    bundle: Annotated[Path, typer.Argument(help="The folder that misread attack wrote.")],
    *,
    witness: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of the bundle; may be repeated.")] = None,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 30.0,
    seconds: Annotated[float | None, typer.Option(help="When to end; otherwise with Ctrl-C.")] = None,
    profile: Annotated[
        str, typer.Option(help="webcam-indoor, phone-print, screen, dashcam, webcam-outdoor or webcam-dusk.")
    ] = "webcam-outdoor-1",
    transport: Annotated[
        str,
        typer.Option(help="mjpeg: over HTTP; tcp: H.264 in MPEG-TS; rtsp: H.264. The last two need misread[video]."),
    ] = "mjpeg",
    port: Annotated[int, typer.Option(help="Where to listen; 0 for a free port.")] = 0,
    seed: Seed = 0,
) -> None:
    """Film a bundle with the virtual camera, as a stream.

    Served on loopback, until Ctrl-C.
    """
    from misread.bundle import read_bundle
    from misread.runtime.camera.subject import exhibits_of
    from misread.runtime.rig.serve import serve

    exhibits = exhibits_of(read_bundle(bundle), tuple(witness or ()))
    serve(
        exhibits,
        fps=fps,
        seconds=seconds,
        seed=seed,
        profile=profile,
        transport=transport,
        port=port,
        on_ready=lambda url: typer.echo(f"serving {url}"),
    )
