"""MPEG-TS over TCP: a viewer connects and gets packets."""

from __future__ import annotations

import socketserver
from typing import TYPE_CHECKING

from misread.runtime.rig.sockets import Cutting

if TYPE_CHECKING:
    from misread.runtime.rig.relay import Relay


class TsServer(Cutting):
    """Serves a relay of MPEG-TS to any number of viewers on 127.0.0.1.

    Raises:
        CameraError: The port cannot be had.

    """

    def __init__(self, relay: Relay, port: int = 0) -> None:
        self.relay = relay
        super().__init__(relay, port, _Handler, "misread-rig-tcp")

    @property
    def url(self) -> str:
        """Where to look."""
        return f"tcp://127.0.0.1:{self.port}"


class _Handler(socketserver.BaseRequestHandler):
    server: TsServer

    def handle(self) -> None:
        relay, viewer = self.server.relay, id(self)
        relay.join(viewer)
        try:
            while (payload := relay.next(viewer)) is not None:
                self.request.sendall(payload)
        except OSError:  # the viewer went away
            return
        finally:
            relay.leave(viewer)
