"""One H.264 encoder for all viewers: everything in order, from a keyframe on."""

from __future__ import annotations

from collections import deque
from typing import Final

from misread.runtime.rig.ending import Ending

_BEHIND: Final = 120  # payloads a viewer may lag before it is set forward to the next keyframe


#: A payload, and whether a decoder can begin with it.
Unit = tuple[bytes, bool]


class Relay(Ending):
    """Passes payloads from one producer to many viewers; who joins, or falls far behind, goes on with a keyframe."""

    def __init__(self) -> None:
        super().__init__()
        self._queues: dict[int, deque[bytes]] = {}
        self._waiting: set[int] = set()

    @property
    def wants_key(self) -> bool:
        """Whether somebody waits for a keyframe."""
        with self._changed:
            return bool(self._waiting)

    def publish(self, unit: Unit) -> bool:
        """Hand on a payload; False when the relay has been ended meanwhile."""
        payload, key = unit
        with self._changed:
            if self._ended:
                return False
            for viewer, queue in self._queues.items():
                if len(queue) >= _BEHIND:
                    queue.clear()
                    self._waiting.add(viewer)
                if key:
                    self._waiting.discard(viewer)
                if viewer not in self._waiting:
                    queue.append(payload)
            self._changed.notify_all()
            return True

    def drain(self) -> bool:
        """Say whether the relay has not been ended; what is queued is still handed out after the end."""
        return not self.ended

    def join(self, viewer: int) -> None:
        """Let a viewer in."""
        with self._changed:
            self._queues[viewer] = deque()
            self._waiting.add(viewer)

    def leave(self, viewer: int) -> None:
        """Let a viewer go."""
        with self._changed:
            self._queues.pop(viewer, None)
            self._waiting.discard(viewer)
            self._changed.notify_all()

    def next(self, viewer: int) -> bytes | None:
        """Wait for the next payload of this viewer; None at the end, or when it has left."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or viewer not in self._queues or self._queues[viewer])
            queue = self._queues.get(viewer)
            return queue.popleft() if queue else None
