"""A camera of this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import cv2

from misread.errors import InputError
from misread.runtime.source.capture import grab, open_capture, properties
from misread.runtime.source.live import Feed, Live
from misread.runtime.source.lock import Held, hold

if TYPE_CHECKING:
    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

WARM_UP_S: Final = 2.0
WARM_UP_FRAMES: Final = 30
_SETTLED: Final = 0.01
_PREFIX: Final = "device:"


class Device:
    """`device:0`, or `device:/dev/v4l/by-id/...` for a camera that keeps its name when others are plugged in."""

    name: ClassVar[str] = "device"
    example: ClassVar[str] = "device:0"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text names a camera."""
        return text.startswith(_PREFIX)

    @classmethod
    def open(cls: type[Self], text: str, options: SourceOptions) -> FrameSource:
        """Open the camera with Motion-JPEG first, let it warm up, hold it still, and drain it."""
        target = device_target(text)
        held = Held()  # of the latest opening: a camera that was unplugged may come back with other settings

        def opener() -> cv2.VideoCapture | None:
            nonlocal held
            capture = open_capture(target, _backend())
            if capture is not None:
                held = _prepare(capture, options)
            return capture

        hint = "run: misread doctor, which lists the cameras that answer"
        feed = Feed(
            what=f"camera {text}",
            hint=hint,
            opener=opener,
            retries=options.retries,
            backoff_s=options.backoff_s,
            held=lambda: held,
        )
        return Live(feed)


def device_target(text: str) -> int | str:
    """Read the number or path behind `device:`.

    Raises:
        InputError: It is neither.

    """
    name = text.removeprefix(_PREFIX)
    if name.isascii() and name.isdigit() and len(name) < 4:
        return int(name)
    if name.startswith("/"):
        # V4L2 in OpenCV knows /dev/videoN only, so a stable name is followed to it.
        return str(Path(name).resolve())
    raise InputError(f"a camera is device:N with N from 0, or device:/dev/..., got {text!r}; misread doctor lists them")


def _backend() -> int:
    if sys.platform == "win32":
        return cv2.CAP_DSHOW  # Media Foundation takes seconds to open
    return cv2.CAP_AVFOUNDATION if sys.platform == "darwin" else cv2.CAP_V4L2


def _prepare(capture: cv2.VideoCapture, options: SourceOptions) -> Held:
    _configure(capture, options)
    _warm_up(capture)
    told = dict(properties(capture))
    notes = []
    if (wished := f"{options.width}x{options.height}") != told["size"] and options.width and options.height:
        notes.append(f"{wished} was asked for and the camera gives {told['size']}")
    if told["pixel format"] != "MJPG":
        notes.append(f"Motion-JPEG was asked for and the camera gives {told['pixel format'].strip(chr(0)) or '?'}")
    held = hold(capture, options.lock, backend=_backend()) if options.lock is not None else Held()
    return Held(properties=held.properties, notes=(*notes, *held.notes))


def _configure(capture: cv2.VideoCapture, options: SourceOptions) -> None:
    # The format comes before the size: OpenCV probes raw YUYV first, which USB carries at a few frames per second.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    if options.width and options.height:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.height)


def _warm_up(capture: cv2.VideoCapture) -> None:
    """Throw frames away until the exposure has settled: two in a row of the same mean to 1 %."""
    end = time.monotonic() + WARM_UP_S
    before = -1.0
    for _ in range(WARM_UP_FRAMES):
        image = grab(capture)
        if image is None or time.monotonic() > end:
            return
        mean = float(image[::8, ::8].mean())
        if before >= 0 and abs(mean - before) <= _SETTLED * max(before, 1.0):
            return
        before = mean
