"""`misread rig`: the virtual camera for other programs, until somebody stops it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.runtime.channel import PROFILES, named_profile
from misread.runtime.rig.script import Script
from misread.runtime.rig.virtual import NOMINAL_FPS, VirtualCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.runtime.board import Exhibit


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """How a served film went.

    Attributes:
        url: Where it was.
        interrupted: Whether Ctrl-C ended it rather than the time.

    """

    url: str
    interrupted: bool


def serve(
    exhibits: Sequence[Exhibit],
    *,
    fps: float = NOMINAL_FPS,
    seconds: float | None = None,
    seed: int = 0,
    profile: str = PROFILES[0].name,
    on_ready: Callable[[str], None] | None = None,
    script: Script | None = None,
    transport: str = "mjpeg",
    port: int = 0,
) -> Served:
    """Film exhibits over and over and serve them on loopback, until Ctrl-C or the time is up.

    Args:
        exhibits: What hangs on the board in turn.
        fps: Frames per second.
        seconds: When to end, or None.
        seed: Of poses, light and noise; not with `script`.
        profile: Of the test channel, with or without its version; not with `script`.
        on_ready: Is told the address once it answers.
        script: Clips and poses, where the default does not suit: clips of a second, blanks of half a second.
        transport: `mjpeg`, `tcp` or `rtsp`.
        port: Where to listen; 0 for a free one.

    Raises:
        CameraError: The port cannot be had, or the film broke off.
        MissingExtra: H.264 without PyAV.
        OptionError: No exhibit, or a rate, time or port without sense.
        UnknownName: No such profile or transport.

    """
    if seconds is not None and not 0 < seconds <= threading.TIMEOUT_MAX:
        raise OptionError(f"the rig serves for above 0 s, got {seconds}")
    if not 0 < fps <= 1000:
        raise OptionError(f"fps is above 0 and at most 1000, got {fps}")
    frames = max(round(fps), 1)
    if script is None:
        blanks = max(frames // 2, 3)
        script = Script(seed=seed, frames_per_clip=frames, blank_frames=blanks, profile=named_profile(profile))
    interrupted = False
    with VirtualCamera(exhibits, script, fps=fps, loop=True, transport=transport, port=port) as camera:
        url = camera.url
        try:
            if on_ready is not None:
                on_ready(url)
            camera.wait(seconds)
        except KeyboardInterrupt:
            interrupted = True
    return Served(url=url, interrupted=interrupted)
