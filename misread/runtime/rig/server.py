"""MJPEG over HTTP on loopback, from the standard library."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from misread.runtime.rig.sockets import Cutting

if TYPE_CHECKING:
    from misread.runtime.rig.broadcast import Broadcast

BOUNDARY = b"misreadframe"
PATH = "/stream.mjpg"


class MjpegServer(Cutting):
    """Serves a broadcast of JPEG pictures to any number of viewers on 127.0.0.1.

    Raises:
        CameraError: The port cannot be had.

    """

    def __init__(self, broadcast: Broadcast, port: int = 0) -> None:
        self.broadcast = broadcast
        super().__init__(broadcast, port, _Handler, "misread-rig-http")

    @property
    def url(self) -> str:
        """Where to look."""
        return f"http://127.0.0.1:{self.port}{PATH}"


class _Handler(BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        if self.path != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, f"the stream is at {PATH}")
            return
        viewer = id(self)
        broadcast = self.server.broadcast
        broadcast.join(viewer)  # before the answer: who has been answered misses nothing that follows
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            while (jpeg := broadcast.next(viewer)) is not None:
                head = b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(jpeg))
                self.wfile.write(head + jpeg + b"\r\n")
            self.wfile.write(b"--%b--\r\n" % BOUNDARY)
        except OSError:  # the viewer went away
            return
        finally:
            broadcast.leave(viewer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: the library never prints."""
