"""`misread rig`: the virtual camera by itself, for any program that opens network cameras."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.runtime.rig.script import Script
from misread.runtime.rig.virtual import VirtualCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.runtime.board import Exhibit


def serve(
    exhibits: Sequence[Exhibit],
    *,
    fps: float = 30.0,
    seconds: float | None = None,
    seed: int = 0,
    on_ready: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Film exhibits over and over and serve them as MJPEG on loopback until the time is up.

    Args:
        exhibits: what hangs on the board in turn.
        fps: frames per second; slow viewers miss some.
        seconds: when to end; None goes on until `stop` is set or Ctrl-C.
        seed: of poses, light and noise.
        on_ready: told the address once the stream can be opened.
        stop: set it to end early.

    Raises:
        OptionError: a rate or a time that makes no sense.
    """
    if seconds is not None and not 0 < seconds < threading.TIMEOUT_MAX:
        raise OptionError(f"seconds is above 0, got {seconds}")
    with VirtualCamera(exhibits, Script(seed=seed), fps=fps, loop=True) as camera:
        on_ready(camera.url)
        (stop or threading.Event()).wait(seconds)
