"""An MJPEG server that fails in chosen ways: what a network camera does on a bad day."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

#: What a visit does: gets (send, wait) and returns when the camera hangs up. `wait` sleeps until the server stops.
Visit = Callable[[Callable[[bytes], None], threading.Event], None]


def jpeg(number: int, width: int = 160, height: int = 120) -> bytes:
    """A grey picture whose level tells its number."""
    _, data = cv2.imencode(".jpg", np.full((height, width, 3), number, np.uint8))
    return data.tobytes()


@contextlib.contextmanager
def camera(*visits: Visit) -> Iterator[str]:
    """Serve each visit in turn; visitors after the last are turned away. Yields the address."""
    stopped = threading.Event()
    left = list(visits)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                visit = left.pop(0) if left else None
            if visit is None:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()

            def send(data: bytes) -> None:
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                self.wfile.write(head + data + b"\r\n")

            with contextlib.suppress(OSError):
                visit(send, stopped)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
