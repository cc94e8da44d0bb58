"""One encoder for all viewers: the newest frame, or every frame to everyone in step."""

from __future__ import annotations

from misread.runtime.rig.ending import Ending


class Broadcast(Ending):
    """Passes payloads from one producer to many viewers.

    Args:
        lockstep: Wait with each payload until every viewer has taken the one before, and with the first one until
            somebody watches. Otherwise a slow viewer misses payloads.

    """

    def __init__(self, *, lockstep: bool) -> None:
        super().__init__()
        self._lockstep = lockstep
        self._payload = b""
        self._number = 0
        self._taken: dict[int, int] = {}

    @property
    def watched(self) -> bool:
        """Whether anybody is let in."""
        with self._changed:
            return bool(self._taken)

    def publish(self, payload: bytes) -> bool:
        """Hand on a payload; False when the broadcast has been ended meanwhile."""
        with self._changed:
            if self._lockstep:
                self._changed.wait_for(lambda: self._ended or self._all_taken())
            if self._ended:
                return False
            self._payload = payload
            self._number += 1
            self._changed.notify_all()
            return True

    def drain(self) -> bool:
        """Wait until the viewers have taken the last payload (in step only); False when it was ended meanwhile."""
        with self._changed:
            if self._lockstep:
                self._changed.wait_for(lambda: self._ended or self._all_taken())
            return not self._ended

    def join(self, viewer: int) -> None:
        """Let a viewer in; it sees what is published from now on."""
        with self._changed:
            self._taken[viewer] = self._number
            self._changed.notify_all()

    def leave(self, viewer: int) -> None:
        """Let a viewer go."""
        with self._changed:
            self._taken.pop(viewer, None)
            self._changed.notify_all()

    def next(self, viewer: int) -> bytes | None:
        """Wait for a payload this viewer has not seen; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._taken[viewer] < self._number)
            if self._taken[viewer] == self._number:
                return None
            self._taken[viewer] = self._number
            self._changed.notify_all()
            return self._payload

    def _all_taken(self) -> bool:
        if not self._taken:
            return False  # Nobody watches: in step means that nothing is lost, so wait for the next viewer.
        return all(number == self._number for number in self._taken.values())
