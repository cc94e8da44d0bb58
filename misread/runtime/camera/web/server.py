"""Page, picture, events and commands over HTTP, from the standard library."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from misread.errors import CameraError
from misread.runtime.rig.broadcast import Broadcast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from misread.runtime.camera.web.options import WebOptions

PAGE: Final = Path(__file__).with_name("page.html")
BOUNDARY: Final = b"misreadframe"
MAX_VIEWERS: Final = 32
MAX_COMMAND_BYTES: Final = 1024
FAREWELL_S: Final = 1.0
_STALE_S: Final = 20.0  # A viewer that takes nothing for so long is let go.
_NOTHING: Final = "default-src 'none'"
_POLICY: Final = (
    _NOTHING + "; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; style-src 'nonce-{0}'; script-src 'nonce-{0}'"
)


class WebServer:
    """Serves two broadcasts, and hands on what the buttons ask for.

    Args:
        options: Where.
        command: Is told of every command in a thread of the server; raises ValueError at one that is none.

    Raises:
        CameraError: The port is taken, or the address is none of this machine's.

    """

    def __init__(self, options: WebOptions, command: Callable[[object], None]) -> None:
        self.pictures, self.events = Broadcast(lockstep=False), Broadcast(lockstep=False)
        try:
            self._http = _Http(self, options, command)
        except OSError as error:
            where = f"{options.host}:{options.port}"
            raise CameraError(
                f"cannot serve the page at {where}: {error.strerror}; choose another --serve PORT, or 0 for a free one"
            ) from error
        self._token, self._host = options.token, options.host
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="misread-web")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to look, with the token."""
        tail = f"?token={self._token}" if self._token else ""
        return f"http://{self._host}:{self._http.server_address[1]}/{tail}"

    def stop(self) -> None:
        """Tell the viewers that it is over, cut off those that hang, and wait for every thread."""
        self.pictures.end()
        self.events.end()
        self._http.shutdown()
        self._thread.join()
        self._http.cut()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for the viewers' threads
    allow_reuse_address = True

    def __init__(self, web: WebServer, options: WebOptions, command: Callable[[object], None]) -> None:
        super().__init__((options.host, options.port), _Handler)
        self.web, self.command = web, command
        self.token = options.token
        port = self.server_address[1]
        self.hosts = frozenset({f"{options.host}:{port}", f"localhost:{port}"})
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            full = len(self._open) >= MAX_VIEWERS
            self._open.add(request)
        if full:
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: a viewer that goes away is no fault."""

    def cut(self) -> None:
        """Let the viewers read the end, and no longer."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open, timeout=FAREWELL_S)
            for viewer in self._open:
                with contextlib.suppress(OSError):
                    viewer.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    server_version, sys_version = "misread", ""
    timeout = _STALE_S

    def do_GET(self) -> None:
        serve = {"/": self._page, "/picture.mjpg": self._pictures, "/events": self._events}
        if self._refused():
            return
        found = serve.get(urlsplit(self.path).path)
        if found is None:
            self._say(HTTPStatus.NOT_FOUND, "there is /, /picture.mjpg, /events and, to post to, /command")
            return
        with contextlib.suppress(OSError):  # the viewer went away
            found()

    def do_POST(self) -> None:
        if self._refused():
            return
        if urlsplit(self.path).path != "/command":
            self._say(HTTPStatus.NOT_FOUND, "commands go to /command")
            return
        # Another site's page can post here from a browser, but says whose it is, and cannot send JSON unasked.
        if self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            self._say(HTTPStatus.FORBIDDEN, "commands come from the page itself")
            return
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != "application/json" or not length.isdecimal() or len(length) > 5:
            self._say(HTTPStatus.BAD_REQUEST, "a command is a JSON document with its length")
            return
        if int(length) > MAX_COMMAND_BYTES:
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a command has at most {MAX_COMMAND_BYTES} bytes")
            return
        try:
            self.server.command(json.loads(self.rfile.read(int(length))))
        except (ValueError, RecursionError):
            self._say(HTTPStatus.BAD_REQUEST, "this is no command")
            return
        self._say(HTTPStatus.OK, "done")

    def _refused(self) -> bool:
        """Refuse a name that somebody pointed at this machine, and whoever does not know the token."""
        token = self.server.token
        if token is None:
            if self.headers.get("Host") in self.server.hosts:
                return False
            self._say(HTTPStatus.FORBIDDEN, "this address is not the page's own")
            return True
        given = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
        if hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            return False
        self._say(HTTPStatus.FORBIDDEN, "add ?token=... as the terminal shows it")
        return True

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        body = PAGE.read_text(encoding="utf-8").replace("NONCE", nonce).encode()
        self._head(HTTPStatus.OK, "text/html; charset=utf-8", length=len(body), policy=_POLICY.format(nonce))
        self.wfile.write(body)

    def _pictures(self) -> None:
        for jpeg in self._following(
            self.server.web.pictures, f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}"
        ):
            head = b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(jpeg))
            self.wfile.write(head + jpeg + b"\r\n")
        self.wfile.write(b"--%b--\r\n" % BOUNDARY)

    def _events(self) -> None:
        for document in self._following(self.server.web.events, "text/event-stream"):
            self.wfile.write(b"data: %b\n\n" % document)
        self.wfile.write(b"event: over\ndata: {}\n\n")

    def _following(self, broadcast: Broadcast, kind: str) -> Iterator[bytes]:
        viewer = id(self)
        broadcast.join(viewer)  # before the answer: who has been answered misses nothing that follows
        try:
            self._head(HTTPStatus.OK, kind)
            while (payload := broadcast.next(viewer)) is not None:
                yield payload
        finally:
            broadcast.leave(viewer)

    def _say(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        with contextlib.suppress(OSError):
            self._head(status, "text/plain; charset=utf-8", length=len(body))
            self.wfile.write(body)

    def _head(
        self, status: HTTPStatus, kind: str, *, length: int | None = None, policy: str = "default-src 'none'"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: the library never prints."""
