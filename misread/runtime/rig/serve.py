"""`misread rig`: the virtual camera for other programs, or the boards on a screen, until somebody stops it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.runtime.channel import PROFILES, find_profile
from misread.runtime.rig.outlet import NOMINAL_FPS
from misread.runtime.rig.script import Script
from misread.runtime.rig.show import WINDOW, show
from misread.runtime.rig.virtual import VirtualCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from misread.runtime.board import Exhibit


@dataclass(frozen=True, kw_only=True, slots=True)
class RigOptions:
    """What is filmed, and how it is handed on.

    Attributes:
        fps: Frames per second.
        seconds: When to end, or None.
        clips: Takes of each exhibit before the film starts over.
        frames_per_clip: Length of a clip; None for a second. Blanks are half as long.
        seed: Of poses, light and noise.
        profile: Of the test channel, with or without its version, or a file that `misread calibrate --profile` wrote;
            None for the first. A window has none, its channel is the camera before it.
        transport: `mjpeg`, `tcp`, `rtsp` or `window`.
        upright: In a window: the boards alone, as large as it.
        port: Where to listen on 127.0.0.1; 0 for a free one.
        script: Clips and poses in full, in place of all of these.

    Raises:
        OptionError: A rate or time without sense, or a setting of a stream for a window, or the other way round.
        UnknownName: No such profile.

    """

    fps: float = NOMINAL_FPS
    seconds: float | None = None
    clips: int = 8
    frames_per_clip: int | None = None
    seed: int = 0
    profile: str | None = None
    transport: str = "mjpeg"
    upright: bool = False
    port: int = 0
    script: Script | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.seconds is not None and not 0 < self.seconds <= threading.TIMEOUT_MAX:
            raise OptionError(f"the rig serves for above 0 s, got {self.seconds}")
        if not 0 < self.fps <= 1000:
            raise OptionError(f"fps is above 0 and at most 1000, got {self.fps}")
        if self.transport == WINDOW and (self.profile is not None or self.port):
            raise OptionError("a window has no profile and no port: its channel is the camera; leave them out")
        if self.upright and self.transport != WINDOW:
            raise OptionError("upright boards are for a window; add --transport window")
        _ = self.film

    @property
    def film(self) -> Script:
        """Clips and poses."""
        if self.script is not None:
            return self.script
        frames = max(round(self.fps), 1) if self.frames_per_clip is None else self.frames_per_clip
        profile = PROFILES[0] if self.profile is None else find_profile(self.profile)
        blanks = max(frames // 2, 3)
        return Script(seed=self.seed, clips=self.clips, frames_per_clip=frames, blank_frames=blanks, profile=profile)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """How a served film went.

    Attributes:
        url: Where it was; empty for a window.
        interrupted: Whether somebody ended it rather than the time.

    """

    url: str
    interrupted: bool


def serve(
    exhibits: Sequence[Exhibit], options: RigOptions | None = None, *, on_ready: Callable[[str], None] | None = None
) -> Served:
    """Film exhibits over and over and serve them on loopback, or show them in a window, until Ctrl-C or the time is up.

    Args:
        exhibits: What hangs on the board in turn.
        options: How.
        on_ready: Is told the address once it answers, or `window`.

    Raises:
        CameraError: The port or a display cannot be had, or the film broke off.
        MissingExtra: H.264 without PyAV.
        OptionError: No exhibit.
        UnknownName: No such transport.

    """
    options = options or RigOptions()
    tell = on_ready or (lambda _: None)
    if options.transport == WINDOW:
        shown = show(
            exhibits,
            options.film,
            fps=options.fps,
            seconds=options.seconds,
            upright=options.upright,
            on_ready=lambda: tell(WINDOW),
        )
        return Served(url="", interrupted=shown.ended != "time")
    interrupted = False
    with VirtualCamera(
        exhibits, options.film, fps=options.fps, loop=True, transport=options.transport, port=options.port
    ) as camera:
        url = camera.url
        try:
            tell(url)
            camera.wait(options.seconds)
        except KeyboardInterrupt:
            interrupted = True
    return Served(url=url, interrupted=interrupted)
