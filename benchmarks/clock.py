"""A camera on loopback that paints a number into every picture, and remembers when: each says how old it is.

The number stands in it twice, as black and white squares and as their negative, so that a picture that a codec or a
lost packet has spoilt tells nothing rather than a wrong time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Self

import cv2
import numpy as np

from misread.runtime.rig.broadcast import Broadcast
from misread.runtime.rig.encoder import Encoder
from misread.runtime.rig.relay import Relay
from misread.runtime.rig.rtsp import RtspServer
from misread.runtime.rig.server import MjpegServer
from misread.runtime.rig.tcp import TsServer

if TYPE_CHECKING:
    from misread.pixels import UInt8

BITS: Final = 20
SQUARE_PX: Final = 24
SIZE: Final = (640, 480)
TRANSPORTS: Final = ("mjpeg", "tcp", "rtsp")
_SCENES: Final = 8


def paint(scene: UInt8, number: int) -> UInt8:
    """Paint a number below 2**20 into the top of a copy of (h, w, 3) uint8, at least 480 pixels wide."""
    bits = number >> np.arange(BITS) & 1
    rows = np.stack([bits, 1 - bits]).astype(np.uint8) * 255
    squares = np.kron(rows, np.ones((SQUARE_PX, SQUARE_PX), np.uint8))
    painted = scene.copy()
    painted[: squares.shape[0], : squares.shape[1]] = squares[..., None]
    return painted


def read(picture: UInt8) -> int | None:
    """Read the number out of a picture, in any order of channels; None where it cannot be told."""
    band = picture[: 2 * SQUARE_PX, : BITS * SQUARE_PX].mean(axis=2)
    bits, negative = band.reshape(2, SQUARE_PX, BITS, SQUARE_PX).mean(axis=(1, 3)) > 127
    return int((bits << np.arange(BITS)).sum()) if (bits != negative).all() else None


class ClockCamera:
    """Serves numbered pictures at a steady rate, as MJPEG over HTTP, or H.264 over TCP or RTSP. A context manager.

    Args:
        transport: One of `TRANSPORTS`.
        fps: Pictures a second.

    Raises:
        MissingExtra: H.264 without PyAV.

    """

    def __init__(self, transport: str, *, fps: float = 30.0) -> None:
        noise = np.random.default_rng(0)
        small = noise.integers(60, 200, (_SCENES, SIZE[1] // 8, SIZE[0] // 8, 3), np.uint8)
        self._scenes = [np.asarray(cv2.resize(one, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8) for one in small]
        self._fps, self._painted_ns = fps, list[int]()
        self._encoder = None
        self._channel: Broadcast | Relay = Broadcast(lockstep=False) if transport == "mjpeg" else Relay()
        if isinstance(self._channel, Broadcast):
            self._server: MjpegServer | TsServer | RtspServer = MjpegServer(self._channel)
        else:
            self._encoder = Encoder("mpegts" if transport == "tcp" else "h264", size=SIZE, fps=fps)
            self._server = (TsServer if transport == "tcp" else RtspServer)(self._channel)
        self.url = self._server.url
        self._thread = threading.Thread(target=self._show, name=f"clock {transport}")

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every thread, and the encoder."""
        self._channel.end()
        self._thread.join()
        self._server.stop()
        if self._encoder is not None:
            self._encoder.close()

    def age_ms(self, picture: UInt8) -> float | None:
        """Say how long ago a picture was painted; None where it cannot be told."""
        now_ns, number = time.monotonic_ns(), read(picture)
        if number is None or number >= len(self._painted_ns):
            return None
        return (now_ns - self._painted_ns[number]) * 1e-6

    def _show(self) -> None:
        due_s, published = time.monotonic(), True
        while published:
            number = len(self._painted_ns)
            self._painted_ns.append(time.monotonic_ns())
            picture = paint(self._scenes[number % _SCENES], number)
            if isinstance(self._channel, Relay) and self._encoder is not None:
                published = self._channel.publish(self._encoder.encode(picture, key=self._channel.wants_key))
            elif isinstance(self._channel, Broadcast):
                published = self._channel.publish(cv2.imencode(".jpg", picture)[1].tobytes())
            due_s = max(due_s + 1 / self._fps, time.monotonic() - 1)
            time.sleep(max(due_s - time.monotonic(), 0))
