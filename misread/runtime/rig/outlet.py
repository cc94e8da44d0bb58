"""Where frames leave the rig: an encoder, a server on loopback, and who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from misread.errors import OptionError, UnknownName
from misread.runtime.rig.broadcast import Broadcast
from misread.runtime.rig.encoder import Encoder, check
from misread.runtime.rig.relay import Relay
from misread.runtime.rig.rtsp import RtspServer
from misread.runtime.rig.server import MjpegServer
from misread.runtime.rig.tcp import TsServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from misread.pixels import UInt8

NOMINAL_FPS: Final = 30.0
#: How frames leave the rig: JPEG pictures over HTTP, H.264 in MPEG-TS over TCP, H.264 by RTSP.
TRANSPORTS: Final = ("mjpeg", "tcp", "rtsp")


class Outlet:
    """Serves frames to any number of viewers on 127.0.0.1, encoded once for all of them.

    Args:
        transport: One of `TRANSPORTS`; all but MJPEG encode H.264 in a process of their own, with the extra `video`.
        port: Where to listen; 0 for a free port.
        size: Width and height of the frames.
        fps: Frames per second, viewers that are slow miss some; None goes as fast as all viewers take the frames, and
            none is lost; only with MJPEG.
        jpeg: (h, w, 3) uint8 RGB -> a JPEG file, for MJPEG.

    Raises:
        MissingExtra: H.264 without PyAV.
        OptionError: A rate, port or picture size without sense.
        UnknownName: No such transport.

    """

    def __init__(
        self, transport: str, port: int, *, size: tuple[int, int], fps: float | None, jpeg: Callable[[UInt8], bytes]
    ) -> None:
        _check(transport, port, fps, size)
        self._transport, self._port, self._size, self._fps = transport, port, size, fps
        self._encode: Callable[[UInt8], Any] = jpeg
        self.viewers: Broadcast | Relay = Broadcast(lockstep=fps is None) if transport == "mjpeg" else Relay()
        self.encoder: Encoder | None = None
        self._server: MjpegServer | TsServer | RtspServer | None = None

    def open(self) -> None:
        """Start to listen.

        Raises:
            CameraError: The port cannot be had.

        """
        viewers = self.viewers
        if isinstance(viewers, Broadcast):
            self._server = MjpegServer(viewers, self._port)
            return
        self._server = (TsServer if self._transport == "tcp" else RtspServer)(viewers, self._port)
        form = "mpegts" if self._transport == "tcp" else "h264"
        encoder = self.encoder = Encoder(form, size=self._size, fps=self._fps or NOMINAL_FPS)
        self._encode = lambda frame: encoder.encode(frame, key=viewers.wants_key)

    @property
    def url(self) -> str:
        """Where the frames are served.

        Raises:
            OptionError: It is not open.

        """
        if self._server is None:
            raise OptionError("the virtual camera has no address before it is started; use it in a with statement")
        return self._server.url

    def encode(self, frame: UInt8) -> Any:
        """Give what `publish` takes.

        Raises:
            CameraError: The encoder has ended.

        """
        return self._encode(frame)

    def publish(self, payload: Any) -> bool:
        """Hand a payload to the viewers; False once the outlet has been ended."""
        return self.viewers.publish(payload)

    def end(self) -> None:
        """Say that nothing more comes, cut off who watches, and listen no longer. May be called twice."""
        self.viewers.end()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        """End the encoder, not beside `encode`. May be called twice."""
        if self.encoder is not None:
            self.encoder.close()
            self.encoder = None


def _check(transport: str, port: int, fps: float | None, size: tuple[int, int]) -> None:
    if transport not in TRANSPORTS:
        raise UnknownName(f"no transport {transport!r}; there are {', '.join(TRANSPORTS)}, and window for misread rig")
    if not 0 <= port <= 65535:
        raise OptionError(f"a port is 0 (a free one) to 65535, got {port}")
    if transport != "mjpeg":
        check(size)
        if fps is None:
            raise OptionError("only mjpeg films as fast as it is watched; give a rate with other transports")
