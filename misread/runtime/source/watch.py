"""What a live source does that a reader of a result should know: it stands still, changes size, tells a wrong rate."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from misread.pixels import UInt8

#: As many frames equal to the last bit are no sensor's: it has noise.
STILL_FRAMES: Final = 30
_RATED: Final = 64
_MIN_RATED: Final = 20
_WRONG_RATE: Final = 0.15
_EVERY_ROW: Final = 8


class Watch:
    """Looks at every frame of a source as it is grabbed.

    Args:
        told: The rate that the source claims, in frames per second; 0 where it claims none.
        may_stand: Whether a picture that stands still is nothing odd.

    """

    def __init__(self, *, told: float, may_stand: bool = False) -> None:
        self._told, self._may_stand = told, may_stand
        self._last: UInt8 | None = None
        self._same = self._longest = self._index = 0
        self._sizes: list[str] = []
        self._last_ns: int | None = None
        self._waits: deque[int] = deque(maxlen=_RATED)

    def see(self, image: UInt8, now_ns: int) -> None:
        """Take a frame in with the time of its grab."""
        rows = image[::_EVERY_ROW]
        last, self._last = self._last, rows
        self._same = self._same + 1 if last is not None and np.array_equal(rows, last) else 0
        self._longest = max(self._longest, self._same)
        if last is None or last.shape != rows.shape:
            self._sizes.append(f"{image.shape[1]}x{image.shape[0]} from frame {self._index}")
        if self._last_ns is not None:
            self._waits.append(now_ns - self._last_ns)
        self._last_ns = now_ns
        self._index += 1

    def interrupt(self) -> None:
        """Forget the time of the last frame: a gap is no interval between frames."""
        self._last_ns = None

    @property
    def fps(self) -> float | None:
        """Frames per second as they came lately, or None while too few have."""
        waits = list(self._waits.copy())
        return 1e9 / max(median(waits), 1) if len(waits) >= _MIN_RATED else None

    def notes(self) -> tuple[str, ...]:
        """Say what was odd."""
        found = list[str]()
        if self._longest >= STILL_FRAMES and not self._may_stand:
            found.append(
                f"the picture stood still to the last bit for {self._longest + 1} frames; is the source frozen?"
            )
        if len(self._sizes) > 1:
            found.append(f"the picture changed its size: {', '.join(self._sizes[:4])}")
        fps = self.fps
        if fps is not None and self._told > 0 and abs(fps / self._told - 1) > _WRONG_RATE:
            found.append(f"the source tells of {self._told:.3g} frames per second, and {fps:.3g} came")
        return tuple(found)
