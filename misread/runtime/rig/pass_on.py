"""`misread relay`: what one source shows, as a network camera."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from itertools import chain
from typing import TYPE_CHECKING, Final

from misread.errors import CameraError, OptionError
from misread.runtime.channel.codec import Codec
from misread.runtime.rig.outlet import NOMINAL_FPS, Outlet
from misread.runtime.rig.serve import Served
from misread.runtime.source import SourceOptions, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from misread.pixels import UInt8
    from misread.runtime.source import FrameSource

_QUALITY: Final = 90


def pass_on(
    source: str,
    *,
    fps: float = NOMINAL_FPS,
    seconds: float | None = None,
    transport: str = "tcp",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
) -> Served:
    """Serve a source's frames on loopback until it ends, Ctrl-C, or the time is up; odd sizes lose a row or column.

    Args:
        source: What `open_source` takes.
        fps: Of a screen, of the pictures of a folder, and of the stream; a camera keeps its own pace.
        seconds: When to end, or None.
        transport: `mjpeg`, `tcp` or `rtsp`.
        port: Where to listen; 0 for a free one.
        on_ready: Is told the address once it answers.

    Raises:
        MisreadError: The source or the port cannot be had, or the size of its frames changes.
        OptionError: A rate, time or port without sense.
        UnknownName: No such transport.

    """
    if not 0 < fps <= 1000 or (seconds is not None and not seconds > 0):
        raise OptionError(f"a stream has above 0 and at most 1000 frames a second for above 0 s, got {fps}, {seconds}")
    url, interrupted = "", False
    try:
        with ExitStack() as stack:
            opened = stack.enter_context(closing(open_source(source, SourceOptions(fps=fps))))
            frames = _even(opened)
            first = next(frames, None)
            if first is None:
                raise CameraError(f"{source} ended before its first frame; see what it shows: misread camera --source")
            size = (first.shape[1], first.shape[0])
            outlet = Outlet(transport, port, size=size, fps=fps, jpeg=Codec(quality=_QUALITY).encode)
            stack.callback(outlet.close)
            outlet.open()
            stack.callback(outlet.end)
            url = outlet.url
            if on_ready is not None:
                on_ready(url)
            _serve(outlet, chain([first], frames), fps=fps, seconds=seconds)
    except KeyboardInterrupt:
        interrupted = True
    return Served(url=url, interrupted=interrupted)


def _serve(outlet: Outlet, frames: Iterator[UInt8], *, fps: float, seconds: float | None) -> None:
    due = time.monotonic()
    end = due + (float("inf") if seconds is None else seconds)
    for image in frames:
        # Files are held to the rate; a live source, at this rate or below it, never waits here.
        time.sleep(max(due - time.monotonic(), 0))
        due = max(due + 1 / fps, time.monotonic() - 1)
        if time.monotonic() >= end or not outlet.publish(outlet.encode(image)):
            return


def _even(source: FrameSource) -> Iterator[UInt8]:
    """Give frames of one size, (h, w, 3) uint8 RGB, both sides even, as H.264 wants them."""
    size: tuple[int, ...] = ()
    for frame in source.frames():
        height, width = frame.image.shape[:2]
        if size and size != (height, width):
            raise CameraError(f"the frames changed from {size[1]}x{size[0]} to {width}x{height}; start it again")
        size = (height, width)
        yield frame.image[: height & ~1, : width & ~1]
