"""The browser view as a view of the loop: the loop lays a frame down, a thread draws and encodes it once for all."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from functools import reduce
from typing import TYPE_CHECKING, Final

from misread.pixels import bgr_to_rgb, encode_jpeg
from misread.runtime.board import ARMS
from misread.runtime.camera.loop import Command
from misread.runtime.camera.overlay import draw
from misread.runtime.camera.web.options import WebOptions
from misread.runtime.camera.web.server import WebServer
from misread.runtime.camera.web.state import Shot, state

if TYPE_CHECKING:
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Summary, Tally

QUALITY: Final = 85
REFRESH_S: Final = 0.2  # How often the intervals are worked out anew.
PATIENCE_S: Final = 5.0
_MOST: Final = 64
_ARMS: Final[dict[str, Command]] = {arm: Command(arm=arm) for arm in ARMS}
_COMMANDS: Final[dict[str, Command]] = _ARMS | {
    "stop": Command(quit=True),
    "next": Command(cut=True),
    "start": Command(count=True),
    "pause": Command(count=False),
    "record": Command(record=True),
    "record-off": Command(record=False),
}


class WebView:
    """Serves the live check to browsers. Viewers that are slow or hang never hold the loop up.

    Args:
        options: Where.

    Raises:
        CameraError: The address cannot be served.

    """

    def __init__(self, options: WebOptions | None = None) -> None:
        self._asked: deque[Command] = deque(maxlen=_MOST)
        self._ready = threading.Condition()
        self._shot: Shot | None = None
        self._ended = False
        self._summaries: tuple[Summary, ...] = ()
        self._fresh_s = -REFRESH_S
        self._last: tuple[Observation, Tally] | None = None
        self._index, self._dropped = -1, 0
        self._server = WebServer(options or WebOptions(), self._take)
        self._thread = threading.Thread(target=self._encode, name="misread-web-encoder")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to look, with the token."""
        return self._server.url

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Lay a frame down for the encoder unless it is busy, and give what the buttons asked for."""
        self._dropped += max(observation.frame.index - self._index - 1, 0)
        self._index = observation.frame.index
        self._last = observation, tally
        if self._watched() and self._shot is None:
            if (now := time.monotonic()) - self._fresh_s >= REFRESH_S:
                self._summaries, self._fresh_s = tally.summaries(), now
            self._lay(observation, tally)
        return self.asked()

    def asked(self) -> Command | None:
        """Give what the buttons asked for since the last time."""
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        return reduce(Command.beside, asked) if asked else None

    def close(self) -> None:
        """Show the last score, and end the server and every thread. May be called twice."""
        if self._ended:
            return
        if self._last is not None:
            with self._ready:
                self._ready.wait_for(lambda: self._shot is None, timeout=PATIENCE_S)
            self._summaries = self._last[1].summaries()
            self._lay(*self._last)
        with self._ready:
            self._ended = True
            self._ready.notify_all()
        self._thread.join()
        self._server.stop()

    def _lay(self, observation: Observation, tally: Tally) -> None:
        shot = Shot(observation=observation, frames=tally.frames, dropped=self._dropped, summaries=self._summaries)
        with self._ready:
            self._shot = shot
            self._ready.notify_all()

    def _watched(self) -> bool:
        return self._server.pictures.watched or self._server.events.watched

    def _take(self, document: object) -> None:
        self._asked.append(command_of(document))

    def _encode(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._ended or self._shot is not None)
                shot = self._shot
                if shot is None:
                    return
            if self._server.events.watched:
                document = state(shot)
                self._server.events.publish(json.dumps(document).encode())
            if self._server.pictures.watched:
                picture = draw(shot.observation, shot.summaries, keys=False)
                self._server.pictures.publish(encode_jpeg(bgr_to_rgb(picture), QUALITY))
            with self._ready:
                self._shot = None
                self._ready.notify_all()


def command_of(document: object) -> Command:
    """Read `{"do": "stop"}`, `next`, `start`, `pause`, `record`, `record-off` or the name of an arm.

    Raises:
        ValueError: It is none of them.

    """
    asked = document.get("do") if isinstance(document, dict) else None
    if not isinstance(asked, str) or asked not in _COMMANDS:
        raise ValueError(asked)
    return _COMMANDS[asked]
