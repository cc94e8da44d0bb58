"""OpenCV's capture objects behind one boundary: opened with time limits, read without silent failures."""

from __future__ import annotations

import os
import threading
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.pixels import UInt8

# FFmpeg's own lines about streams that end do not belong on the user's terminal; read at the first opening.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


class Quiet:
    """Keeps OpenCV's own lines off the terminal while any thread uses it: what they say is said better here."""

    def __init__(self) -> None:
        self._turn, self._users, self._level = threading.Lock(), 0, 0
        # before OpenCV 4.13 the two functions stand in cv2 itself
        self._log: Any = getattr(cv2.utils, "logging", cv2)

    def __enter__(self) -> None:
        """Silence it."""
        with self._turn:
            if not self._users:
                self._level = self._log.getLogLevel()
                self._log.setLogLevel(0)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        """Let it speak again once nobody needs it silent."""
        with self._turn:
            self._users -= 1
            if not self._users:
                self._log.setLogLevel(self._level)


QUIET: Final = Quiet()


def open_capture(target: str | int, backend: int, params: Sequence[int] = ()) -> cv2.VideoCapture | None:
    """Open a capture, or give None where OpenCV cannot."""
    try:
        with QUIET:
            capture = cv2.VideoCapture(target, backend, list(params)) if params else cv2.VideoCapture(target, backend)
    except cv2.error:
        return None
    if capture.isOpened():
        return capture
    capture.release()
    return None


class Nothing(Enum):
    """Why a read gave no frame."""

    ENDED = "the source stopped giving frames"
    EMPTY = "frames came that could not be decoded"
    FAILED = "the decoder failed"


def grab(capture: cv2.VideoCapture) -> UInt8 | None:
    """Read the next frame as (h, w, 3) uint8 RGB, or give None where there is none or it is empty."""
    frame = take(capture)
    return None if isinstance(frame, Nothing) else frame


def take(capture: cv2.VideoCapture) -> UInt8 | Nothing:
    """Read the next frame as (h, w, 3) uint8 RGB, or give why there is none."""
    try:
        done, read = capture.read()
    except cv2.error:
        return Nothing.FAILED
    frame: Any = read  # OpenCV's types promise a picture even where there is none
    if not done:
        return Nothing.ENDED
    if frame is None or frame.size == 0 or frame.dtype != np.uint8:
        return Nothing.EMPTY
    grey = frame.ndim == 2 or frame.shape[2] == 1
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB), np.uint8)


def stamp_ms(capture: cv2.VideoCapture) -> float | None:
    """Give the decoder's presentation time, or None where it has none."""
    value = float(capture.get(cv2.CAP_PROP_POS_MSEC))
    return value if np.isfinite(value) and value >= 0 else None


def properties(capture: cv2.VideoCapture) -> tuple[tuple[str, str], ...]:
    """Read back what the capture really delivers."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    name = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    return (
        ("size", f"{capture.get(cv2.CAP_PROP_FRAME_WIDTH):.0f}x{capture.get(cv2.CAP_PROP_FRAME_HEIGHT):.0f}"),
        ("fps", f"{capture.get(cv2.CAP_PROP_FPS):.3g}"),
        ("pixel format", name if name.isprintable() else str(code)),
        ("backend", capture.getBackendName()),
    )
