"""`misread relay`."""

from __future__ import annotations

from typing import Annotated

import typer

from misread.cli.app import app


@app.command()
def relay(
    source: Annotated[str, typer.Argument(help="screen:, device:0, a stream's URL, a video file or a folder.")],
    *,
    fps: Annotated[float, typer.Option(help="Of a screen, a folder and the stream.")] = 30.0,
    seconds: Annotated[float | None, typer.Option(help="When to end; otherwise with Ctrl-C.")] = None,
    transport: Annotated[
        str, typer.Option(help="tcp: H.264 in MPEG-TS; rtsp: H.264; mjpeg: over HTTP. H.264 needs misread[video].")
    ] = "tcp",
    port: Annotated[int, typer.Option(help="Where to listen; 0 for a free port.")] = 0,
) -> None:
    """Serve a screen, a camera or a file as a network camera.

    On loopback, until the source ends or Ctrl-C.
    """
    from misread.runtime.rig.pass_on import pass_on

    pass_on(
        source,
        fps=fps,
        seconds=seconds,
        transport=transport,
        port=port,
        on_ready=lambda url: typer.echo(f"serving {url}"),
    )
