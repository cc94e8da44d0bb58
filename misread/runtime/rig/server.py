"""MJPEG over HTTP on loopback, from the standard library."""

from __future__ import annotations

import contextlib
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misread.runtime.rig.broadcast import Broadcast

BOUNDARY = b"misreadframe"
PATH = "/stream.mjpg"


class MjpegServer:
    """Serves a broadcast of JPEG pictures to any number of viewers on 127.0.0.1, at a port the system chooses."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self._http = _Http(("127.0.0.1", 0), broadcast)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="misread-rig-http")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to look."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{PATH}"

    def stop(self) -> None:
        """End the broadcast, cut off viewers that hang, and wait for every thread."""
        self._broadcast.end()
        self._http.cut()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for the viewers' threads

    def __init__(self, address: tuple[str, int], broadcast: Broadcast) -> None:
        super().__init__(address, _Handler)
        self.broadcast = broadcast
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: a viewer that goes away is no fault."""

    def cut(self) -> None:
        with self._lock:
            for viewer in self._open:
                with contextlib.suppress(OSError):
                    viewer.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Http

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
