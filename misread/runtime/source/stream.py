"""A network camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import cv2

from misread.runtime.source.capture import open_capture
from misread.runtime.source.live import Feed, Live
from misread.runtime.source.transport import told, transport, waits_for_sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

SCHEMES: Final = ("http://", "https://", "rtsp://", "rtsps://", "tcp://", "udp://")


class Stream:
    """Anything FFmpeg reads from a network address: MJPEG over HTTP, RTSP, MPEG-TS over TCP or UDP."""

    name: ClassVar[str] = "stream"
    example: ClassVar[str] = "http://192.168.0.10:8080/video"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text is the address of a stream."""
        return text.lower().startswith(SCHEMES)

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """Connect with time limits and drain the stream."""
        hint = "check the address in a browser or player, and that the camera is on"
        if waits_for_sender(text):
            hint = "nothing arrived; start the sender within the time limit and let it send to this address"
        return Live(
            Feed(
                what=f"stream {without_password(text)}",
                hint=hint,
                opener=connector(text, options),
                retries=options.retries,
                backoff_s=options.backoff_s,
            )
        )


def connector(url: str, options: SourceOptions) -> Callable[[], cv2.VideoCapture | None]:
    """Give a function that connects to a stream; the time limits only work when given at the opening."""
    # Several threads decode several frames at once, which makes each a frame later per thread.
    params = (
        cv2.CAP_PROP_N_THREADS,
        1,
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        round(options.open_timeout_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        round(options.read_timeout_s * 1000),
    )
    address, ffmpeg = transport(url, open_timeout_s=options.open_timeout_s)

    def connect() -> cv2.VideoCapture | None:
        with told(ffmpeg):
            return open_capture(address, cv2.CAP_FFMPEG, params)

    return connect


def without_password(url: str) -> str:
    """Give the address without user and password, fit for logs and messages."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
