"""A live source: a thread that drains it, hands out the newest frame, and opens it again when it is lost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.errors import CameraError
from misread.runtime.source.capture import QUIET, Nothing, properties, stamp_ms, take
from misread.runtime.source.frame import Frame, Gap, Health
from misread.runtime.source.lock import Held
from misread.runtime.source.mailbox import Mailbox
from misread.runtime.source.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import cv2

    from misread.pixels import UInt8

MAX_BACKOFF_S: Final = 30.0
#: So many frames in a row may be broken before the source counts as lost.
MAX_BROKEN: Final = 8
_SLOW_S: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """What a live source needs to know of the thing it reads.

    Attributes:
        what: How messages call it.
        hint: What to do when it is not there.
        opener: Opens it, or gives None.
        retries: How often to open it again in a row.
        backoff_s: Wait before the first attempt; doubled each time.
        every: Hand out every frame and let the source wait.
        fps: Time base instead of the clock (for a source that runs as fast as it is read), or None.
        over: Whether the source has come to its proper end.
        may_stand: Whether frames that equal each other to the last bit are nothing odd, as on a screen.
        held: What the latest opening locked and could not lock.

    """

    what: str
    hint: str
    opener: Callable[[], cv2.VideoCapture | None]
    retries: int
    backoff_s: float
    every: bool = False
    fps: float | None = None
    over: Callable[[], bool] = lambda: False
    may_stand: bool = False
    held: Callable[[], Held] = field(default=Held)


class Live:
    """Reads a feed in a thread of its own; behind every camera and stream.

    Raises:
        CameraError: The feed cannot be opened.

    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._capture = feed.opener()
        if self._capture is None:
            raise CameraError(f"cannot open {feed.what}; {feed.hint}")
        self._properties = properties(self._capture)
        told = dict(self._properties)["fps"]
        self._watch = Watch(told=float(told) if feed.fps is None else 0.0, may_stand=feed.may_stand)
        self._broken = 0
        self._box = Mailbox(every=feed.every)
        self._gaps: list[Gap] = []
        self._index = 0
        self._attempts = 0  # since the last frame: a source that opens and gives nothing must come to an end
        self._last_ns = time.monotonic_ns()
        self._thread = threading.Thread(target=self._drain, name=f"misread-source {feed.what}")
        self._thread.start()

    def frames(self) -> Iterator[Frame]:
        """Hand out the newest frame each time; `CameraError` when the source is gone for good."""
        while (frame := self._box.get()) is not None:
            yield frame

    def ready(self, timeout_s: float) -> bool:
        """Wait for a frame or the end; False when neither came in time."""
        return self._box.ready(timeout_s)

    def health(self) -> Health:
        """Say what was dropped, which gaps were overcome, and what was odd."""
        held = self._feed.held()
        notes = (*held.notes, *self._watch.notes())
        if self._broken:
            notes = (*notes, f"{self._broken} frames could not be decoded and were left out")
        return Health(
            dropped=self._box.dropped,
            gaps=tuple(self._gaps),
            properties=(*self._properties, *held.properties),
            notes=notes,
        )

    def close(self) -> None:
        """End the thread; at the latest when the read in progress has timed out."""
        self._box.end(discard=True)
        self._thread.join()

    def _drain(self) -> None:
        capture = self._capture
        self._capture = None
        broken = 0
        try:
            while capture is not None:
                start_s = time.monotonic()
                with QUIET:  # it tells of streams that stall
                    image = take(capture)
                if not isinstance(image, Nothing):
                    broken = 0
                    if not self._box.put(self._stamped(image, capture)):
                        break
                elif image is Nothing.EMPTY and broken < MAX_BROKEN:
                    broken += 1
                    self._broken += 1
                else:
                    broken = 0
                    capture = self._reopen(capture, reason(image, time.monotonic() - start_s))
        finally:
            if capture is not None:
                capture.release()
            self._box.end()

    def _stamped(self, image: UInt8, capture: cv2.VideoCapture) -> Frame:
        self._last_ns, self._attempts = time.monotonic_ns(), 0
        self._watch.see(image, self._last_ns)
        fps = self._feed.fps
        time_ns = self._last_ns if fps is None else round(self._index * 1e9 / fps)
        frame = Frame(image=image, index=self._index, time_ns=time_ns, pts_ms=stamp_ms(capture))
        self._index += 1
        return frame

    def _reopen(self, lost: cv2.VideoCapture, why: str) -> cv2.VideoCapture | None:
        """Release a capture that gives nothing (it still says it is open) and try again with growing waits."""
        lost.release()
        self._watch.interrupt()
        while self._attempts < self._feed.retries:
            wait_s = min(self._feed.backoff_s * 2**self._attempts, MAX_BACKOFF_S)
            if self._feed.over() or self._box.wait_ended(wait_s):
                self._box.end()
                return None
            self._attempts += 1
            capture = self._feed.opener()
            if capture is not None:
                gap = Gap(start_ns=self._last_ns, end_ns=time.monotonic_ns(), reason=why, attempts=self._attempts)
                self._gaps.append(gap)
                return capture
        if self._feed.over():
            return None
        tries = (
            f"{self._feed.retries} attempts to open it again failed" if self._feed.retries else "it was not reopened"
        )
        self._box.end(
            CameraError(f"{self._feed.what} stopped after {self._index} frames and {tries} ({why}); {self._feed.hint}")
        )
        return None


def reason(what: Nothing, took_s: float) -> str:
    """Say why a source was lost; OpenCV tells a time-out from an end only by how long it takes."""
    if what is Nothing.ENDED and took_s >= _SLOW_S:
        return f"no frame came within {took_s:.1f} s"
    return what.value
