"""What a screen shows: an X11 display, or a region of it."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

import cv2
import numpy as np

from misread.errors import InputError, MissingExtra
from misread.runtime.source.live import Feed, Live

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

_PREFIX: Final = "screen:"
_FORM: Final = re.compile(
    r"(?P<display>[A-Za-z0-9.-]{0,255}:\d{1,5}(\.\d{1,2})?(,(?=\d)|$))?"
    r"((?P<width>\d{1,5})x(?P<height>\d{1,5})\+(?P<left>\d{1,5})\+(?P<top>\d{1,5}))?",
    re.ASCII,
)
_GRABBER: Final = Path(__file__).with_name("grabber.py")
_HEAD: Final = struct.Struct("<II")
_MAX_SIDE: Final = 16384


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Which pixels of which display.

    Attributes:
        display: As in `:0` or `:97.0`.
        box: Width, height, left and top in pixels, or empty for the whole screen.

    """

    display: str
    box: tuple[int, ...] = ()


class Screen:
    """`screen:` for the whole of $DISPLAY, `screen:640x480+100+50` for a region, `screen::97,640x480+0+0` elsewhere."""

    name: ClassVar[str] = "screen"
    example: ClassVar[str] = "screen:640x480+100+50"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text names a screen."""
        return text.startswith(_PREFIX)

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """Start to grab, `options.fps` times a second.

        Raises:
            InputError: The text is no region, no display is named and none is set, or this is Windows.
            MissingExtra: PyAV is not installed.

        """
        if sys.platform == "win32":
            raise InputError("screen: grabs X11 displays, and Windows has none; film the screen with a camera")
        where = region(text)
        if find_spec("av") is None:
            raise MissingExtra.of("av", extra="video")
        feed = Feed(
            what=text if text != _PREFIX else f"screen {where.display}",
            hint="check that this X11 display runs, that you may see it, and that the region lies on it",
            opener=lambda: cast("cv2.VideoCapture | None", open_grab(where, options)),
            retries=options.retries,
            backoff_s=options.backoff_s,
            may_stand=True,
        )
        return Live(feed)


def region(text: str) -> Region:
    """Read what stands behind `screen:`.

    Raises:
        InputError: It is no display and no region, or no display is named and none is set.

    """
    found = _FORM.fullmatch(text.removeprefix(_PREFIX))
    box = tuple(int(found[name]) for name in ("width", "height", "left", "top") if found[name]) if found else ()
    if found is None or (box and not (0 < box[0] <= _MAX_SIDE and 0 < box[1] <= _MAX_SIDE)):
        raise InputError(
            f"a screen is screen:, screen:WIDTHxHEIGHT+X+Y, screen::DISPLAY or screen::DISPLAY,WIDTHxHEIGHT+X+Y, "
            f"got {text!r}"
        )
    display = (found["display"] or "").rstrip(",") or os.environ.get("DISPLAY", "")
    if not display:
        raise InputError("no display is set; name an X11 display, as in screen::0, or set DISPLAY")
    return Region(display=display, box=box)


class Grab:
    """The grabbing process, with the methods of OpenCV's capture that a live source uses."""

    def __init__(self, process: subprocess.Popen[bytes], *, timeout_s: float, fps: float) -> None:
        self._process, self._timeout_s, self._fps = process, timeout_s, fps
        self._size = (0, 0)

    def begin(self, timeout_s: float) -> bool:
        """Wait for the size; False where there is nothing to grab."""
        head = self._exactly(_HEAD.size, timeout_s)
        if head is None:
            return False
        width, height = _HEAD.unpack(head)
        self._size = (width, height)
        return bool(0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE)

    def read(self) -> tuple[bool, UInt8 | None]:
        """Give (True, (h, w, 3) uint8 BGR), or (False, None) at the end and after the time-out."""
        width, height = self._size
        data = self._exactly(width * height * 3, self._timeout_s)
        return (False, None) if data is None else (True, np.frombuffer(data, np.uint8).reshape(height, width, 3))

    def get(self, what: int) -> float:
        """Give size, rate and pixel format; there is no presentation time."""
        known = {
            cv2.CAP_PROP_FRAME_WIDTH: float(self._size[0]),
            cv2.CAP_PROP_FRAME_HEIGHT: float(self._size[1]),
            cv2.CAP_PROP_FPS: self._fps,
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"BGR3")),
            cv2.CAP_PROP_POS_MSEC: -1.0,
        }
        return known.get(what, 0.0)

    def getBackendName(self) -> str:  # noqa: N802  OpenCV's name
        """Say what grabs."""
        return "X11GRAB"

    def release(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _exactly(self, count: int, timeout_s: float) -> bytearray | None:
        data = bytearray(count)
        pipe = self._process.stdout
        left, end = memoryview(data), time.monotonic() + timeout_s
        while pipe is not None and left:
            ready = select.select([pipe], [], [], max(end - time.monotonic(), 0.0))[0]
            got = os.readv(pipe.fileno(), [left]) if ready else 0
            if not got:
                return None
            left = left[got:]
        return data


def open_grab(where: Region, options: SourceOptions) -> Grab | None:
    """Start the grabbing process, or give None where it has nothing to grab."""
    command = [sys.executable, "-P", str(_GRABBER), where.display, f"{options.fps:g}", *map(str, where.box)]
    quiet = subprocess.DEVNULL
    # No shell, and the display and the region have been read as such.
    process = subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, bufsize=0)  # noqa: S603
    grab = Grab(process, timeout_s=options.read_timeout_s, fps=options.fps)
    if grab.begin(options.open_timeout_s):
        return grab
    grab.release()
    return None
