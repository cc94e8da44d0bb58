"""Servers on loopback whose viewers can be cut off."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any, Protocol

from misread.errors import CameraError


class Channel(Protocol):
    """What the viewers' threads wait on."""

    def end(self) -> None:
        """Let nobody wait any longer."""


class Cutting(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A server on 127.0.0.1 with a thread per viewer, all of which end with it.

    Args:
        channel: What the viewers wait on.
        port: Where to listen; 0 for a free port.
        handler: Serves one viewer.
        name: Of the thread.

    Raises:
        CameraError: The port cannot be had.

    """

    daemon_threads = False  # so that server_close() waits for the viewers' threads
    allow_reuse_address = True

    def __init__(self, channel: Channel, port: int, handler: type[socketserver.BaseRequestHandler], name: str) -> None:
        try:
            super().__init__(("127.0.0.1", port), handler)
        except OSError as error:
            raise CameraError(
                f"cannot listen on port {port} ({error.strerror}); leave --port out for a free one"
            ) from error
        self._channel = channel
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name=name)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the viewer."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the viewer."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: a viewer that goes away is no fault."""

    def cut(self) -> None:
        """Cut off everybody who watches."""
        with self._lock:
            for viewer in self._open:
                with contextlib.suppress(OSError):
                    viewer.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End the channel, let nobody in any more, cut off who watches, and wait for every thread."""
        self._channel.end()
        self.shutdown()
        self._thread.join()
        self.cut()
        self.server_close()
