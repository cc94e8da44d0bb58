"""A frame, and what hands frames out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from misread.pixels import UInt8
    from misread.runtime.board import Arm


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """What somebody said before a recorded frame: a new clip begins, perhaps with another arm.

    Attributes:
        arm: What hangs there from now on where no markers name it, or None for what hung there before.

    """

    arm: Arm | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a source knows of a frame that it composed itself; nobody looks for it.

    Attributes:
        exhibit: Index of the exhibit that is shown.
        corners: (4, 2) float32 where its picture is, as in a target; None where it could not be told.

    """

    exhibit: int
    corners: NDArray[np.float32] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One picture from a source.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        index: Of the frame in its source, from 0; numbers are missing where a live source dropped frames.
        time_ns: For live sources the monotonic clock at the grab; for files the time in the recording.
        pts_ms: The presentation time that the decoder gave, or None.
        part: Of which part of the source it is (the folder of a picture), or None. A new part is a new clip.
        cue: What was said just before it, in a recording; otherwise None.
        known: What is shown, and where, in a composed frame; None where that is to be looked for.

    """

    image: UInt8
    index: int
    time_ns: int
    pts_ms: float | None = None
    part: str | None = None
    cue: Cue | None = None
    known: Known | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A time in which a live source gave nothing.

    Attributes:
        start_ns: Monotonic time of the last frame before it.
        end_ns: Monotonic time at which frames came again.
        reason: What was seen.
        attempts: How often the source was opened until it answered.

    """

    start_ns: int
    end_ns: int
    reason: str
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What a source has to say about itself so far.

    Attributes:
        dropped: Frames grabbed and thrown away because newer ones came.
        gaps: Interruptions that were overcome.
        properties: What the source reads back: size, rate, pixel format.
        notes: What the reader of a result should know.

    """

    dropped: int = 0
    gaps: tuple[Gap, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@runtime_checkable
class Awaited(Protocol):
    """A source that may keep its reader waiting, who can do something else meanwhile."""

    def ready(self, timeout_s: float) -> bool:
        """Wait for the next frame or the end; False when neither came in time."""
        ...


class FrameSource(Protocol):
    """Whatever hands out frames. Closing it releases the device and ends every thread."""

    def frames(self) -> Iterator[Frame]:
        """Hand out frames until the source ends.

        Raises:
            CameraError: A live source stopped for good.
            FileError: A file cannot be read.

        """
        ...

    def health(self) -> Health:
        """Say how it went so far."""
        ...

    def close(self) -> None:
        """Release everything. May be called twice, and while `frames` is being read."""
        ...
