"""What both ways to pass payloads to viewers share: a condition to wait on, and an end."""

from __future__ import annotations

import threading


class Ending:
    """Passes something on until it is ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        with self._changed:
            return self._ended

    def end(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
