"""What lies between the thread that grabs and the loop that reads."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.errors import MisreadError
    from misread.runtime.source.frame import Frame


class Mailbox:
    """Holds the newest frame, or, with `every`, a few that must all be read.

    Args:
        every: Let the grabbing thread wait rather than drop a frame.
        depth: How many frames may wait with `every`.

    """

    def __init__(self, *, every: bool, depth: int = 4) -> None:
        self._room = depth if every else 1
        self._every = every
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: MisreadError | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many frames were thrown away for newer ones."""
        with self._changed:
            return self._dropped

    def put(self, frame: Frame) -> bool:
        """Lay a frame in; False when nobody will read it any more."""
        with self._changed:
            if self._every:
                self._changed.wait_for(lambda: self._ended or len(self._frames) < self._room)
            if self._ended:
                return False
            if len(self._frames) >= self._room:
                self._frames.popleft()
                self._dropped += 1
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def end(self, error: MisreadError | None = None, *, discard: bool = False) -> None:
        """Say that nothing more comes, and why; the first reason stays. What waits can be read unless discarded."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
            if discard:
                self._frames.clear()
            self._changed.notify_all()

    def wait_ended(self, timeout_s: float) -> bool:
        """Sleep, but wake when the box is ended; True when it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, timeout_s)

    def ready(self, timeout_s: float) -> bool:
        """Wait until `get` would return at once; False when the time is up before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended or bool(self._frames), timeout_s)

    def get(self) -> Frame | None:
        """Take the next frame; None at the end.

        Raises:
            MisreadError: The source ended with it.

        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or bool(self._frames))
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            return None
