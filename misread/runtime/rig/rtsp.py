"""A small RTSP server (RFC 2326): one stream, RTP interleaved in the connection, as cameras and players speak it."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from misread.runtime.rig.rtp import CLOCK_HZ, PAYLOAD_TYPE, Packetiser
from misread.runtime.rig.sockets import Cutting

if TYPE_CHECKING:
    from misread.runtime.rig.relay import Relay

PATH: Final = "/rig"
_MAX_LINE, _MAX_LINES = 4096, 64
_REASONS: Final = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
}
_METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
_SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=misread rig\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:*\r\n"
    f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}\r\n"
    f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1\r\na=control:track0\r\n"
)


class RtspServer(Cutting):
    """Serves a relay of H.264 access units to any number of viewers on 127.0.0.1.

    Raises:
        CameraError: The port cannot be had.

    """

    def __init__(self, relay: Relay, port: int = 0) -> None:
        self.relay = relay
        super().__init__(relay, port, _Handler, "misread-rig-rtsp")

    @property
    def url(self) -> str:
        """Where to look."""
        return f"rtsp://127.0.0.1:{self.port}{PATH}"


class _Handler(socketserver.StreamRequestHandler):
    """One viewer: requests are answered in this thread, pictures sent from a second once it plays."""

    server: RtspServer
    _sender: threading.Thread | None = None
    _ready = False

    def handle(self) -> None:
        self._sending = threading.Lock()
        try:
            while (request := self._request()) is not None and self._answer(*request):
                pass
        except OSError:  # the viewer went away
            return
        finally:
            self.server.relay.leave(id(self))
            self._hang_up()
            if self._sender is not None:
                self._sender.join()

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        """Read a request: method, address, headers; skip reports that the viewer interleaves. None at the end."""
        while (first := self.rfile.read(1)) == b"$":
            _, size = struct.unpack(">BH", self.rfile.read(3).rjust(3, b"\0"))
            self.rfile.read(size)
        words = (first + self.rfile.readline(_MAX_LINE)).decode("latin-1").split()
        headers: dict[str, str] = {}
        for _ in range(_MAX_LINES):
            line = self.rfile.readline(_MAX_LINE).decode("latin-1").strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        size_text = headers.get("content-length", "0")
        self.rfile.read(min(int(size_text), _MAX_LINE) if size_text.isdecimal() else 0)
        return (words[0].upper(), words[1], headers) if len(words) == 3 else None

    def _answer(self, method: str, address: str, headers: dict[str, str]) -> bool:
        """Answer a request; False when the viewer takes its leave."""
        code, more, body = 200, "Session: 1\r\n", ""
        if method in {"DESCRIBE", "SETUP", "PLAY"} and not urlsplit(address).path.startswith(PATH):
            code = 404
        elif method == "OPTIONS":
            more = f"Public: {_METHODS}\r\n"
        elif method == "DESCRIBE":
            more, body = f"Content-Base: {self.server.url}/\r\nContent-Type: application/sdp\r\n", _SDP
        elif method == "SETUP":
            self._ready = "interleaved" in headers.get("transport", "")
            code = 200 if self._ready else 461
            more += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n" if self._ready else ""
        elif method == "PLAY":
            code = 200 if self._ready else 455
        elif method not in {"GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"}:
            code = 405
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"RTSP/1.0 {code} {_REASONS[code]}\r\nCSeq: {headers.get('cseq', '0')}\r\n{more}{length}\r\n"
        starts = method == "PLAY" and code == 200 and self._sender is None
        if starts:
            self.server.relay.join(id(self))  # before the answer: who has been answered misses nothing that follows
        with self._sending:
            self.request.sendall((head + body).encode())
        if starts:
            self._sender = threading.Thread(target=self._play, name="misread-rig-rtp")
            self._sender.start()
        return method != "TEARDOWN"

    def _play(self) -> None:
        packetiser = Packetiser(ssrc=id(self) & 0xFFFFFFFF)
        start = time.monotonic()
        try:
            while (access_unit := self.server.relay.next(id(self))) is not None:
                ticks = round((time.monotonic() - start) * CLOCK_HZ)
                packets = (struct.pack(">cBH", b"$", 0, len(p)) + p for p in packetiser.packets(access_unit, ticks))
                with self._sending:
                    self.request.sendall(b"".join(packets))
        except OSError:  # the viewer went away
            return
        self._hang_up()  # the end of the film ends the connection

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # the other thread or the viewer was quicker
            self.request.shutdown(socket.SHUT_RDWR)
