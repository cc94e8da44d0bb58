"""What FFmpeg is told of each kind of address, so that a live picture is not kept back while it probes and buffers."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from misread.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: OpenCV reads it at each opening.
VARIABLE: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_PROMPT: Final = "fflags;nobuffer|flags;low_delay"
_SHORT_PROBE: Final = "probesize;32768|analyzeduration;0"
_RTSP: Final = ("rtsp", "rtsps")
_UDP_BUFFER: Final = "overrun_nonfatal=1&fifo_size=50000"
_TURN: Final = threading.Lock()


def transport(url: str, *, open_timeout_s: float) -> tuple[str, str]:
    """Give the address as FFmpeg wants it, and the options for it, empty where its own are best.

    `?listen=1` after an RTSP or TCP address waits for the sender to connect.

    Raises:
        InputError: The address cannot be read.

    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InputError(f"this is no address of a stream: {error}; expected one like rtsp://host:554/path") from error
    scheme = parts.scheme.lower()
    if scheme in _RTSP:
        options = f"rtsp_transport;tcp|{_PROMPT}"
        queries = parts.query.split("&")
        if "listen=1" not in queries:
            return url, options
        rest = "&".join(query for query in queries if query != "listen=1")
        # FFmpeg 8 refuses to listen without a time limit of its own, in whole seconds.
        wait = f"rtsp_flags;listen|listen_timeout;{ceil(open_timeout_s)}"
        return urlunsplit(parts._replace(query=rest)), f"{wait}|{options}"
    if scheme == "tcp":
        return url, f"{_PROMPT}|{_SHORT_PROBE}"
    if scheme == "udp":
        return url if parts.query else f"{url}?{_UDP_BUFFER}", f"{_PROMPT}|{_SHORT_PROBE}"
    return url, ""


def waits_for_sender(url: str) -> bool:
    """Whether the reader at this address waits for somebody to send to it."""
    return url.lower().startswith("udp://") or "listen=1" in url.partition("?")[2].split("&")


@contextmanager
def told(options: str) -> Iterator[None]:
    """Lay options where OpenCV looks for them during an opening; those that a user set there come first."""
    if not options or VARIABLE in os.environ:
        yield
        return
    with _TURN:
        os.environ[VARIABLE] = options
        try:
            yield
        finally:
            os.environ.pop(VARIABLE, None)
