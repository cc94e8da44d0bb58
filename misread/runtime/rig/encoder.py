"""H.264 from a process of its own."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from misread.errors import CameraError, MissingExtra, OptionError

if TYPE_CHECKING:
    from misread.pixels import UInt8

_HEAD: Final = struct.Struct(">BI")
_PATIENCE_S: Final = 5.0


def check(size: tuple[int, int]) -> None:
    """Refuse what cannot be encoded here; PyAV is looked for and not imported.

    Raises:
        MissingExtra: PyAV is not installed.
        OptionError: A side is odd; H.264 shares colours between pairs of pixels.

    """
    if find_spec("av") is None:
        raise MissingExtra.of("av", extra="video")
    width, height = size
    if width % 2 or height % 2:
        raise OptionError(f"H.264 takes pictures of even width and height, got {width}x{height}")


class Encoder:
    """Turns frames into H.264, one payload per frame without delay.

    Args:
        form: `mpegts` for whole transport packets, `h264` for Annex B access units.
        size: Width and height, both even.
        fps: Frames per second, which decides the time stamps and how far keyframes lie apart (a second).

    Raises:
        MissingExtra: PyAV is not installed.
        OptionError: A side is odd.

    """

    def __init__(self, form: str, *, size: tuple[int, int], fps: float) -> None:
        check(size)
        width, height = size
        child = Path(__file__).with_name("h264_child.py")
        # -P: the folder of the script is no place to import from.
        command = [sys.executable, "-P", str(child)]
        self._child = subprocess.Popen(  # noqa: S603  our own script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        # Popen's types do not tell that both pipes are there when both were asked for.
        self._stdin, self._stdout = cast("IO[bytes]", self._child.stdin), cast("IO[bytes]", self._child.stdout)
        self._first = f"{form} {width} {height} {fps}\n".encode()

    def encode(self, frame: UInt8, *, key: bool = False) -> tuple[bytes, bool]:
        """Encode a frame, (h, w, 3) uint8 RGB; say too whether a decoder can begin with it.

        Args:
            frame: The picture.
            key: Ask for one that a decoder can begin with.

        Raises:
            CameraError: The process has ended.

        """
        try:
            self._stdin.write(self._first + (b"\1" if key else b"\0") + frame.tobytes())
            self._stdin.flush()
            self._first = b""
            is_key, size = _HEAD.unpack(self._stdout.read(_HEAD.size))
            return self._stdout.read(size), bool(is_key)
        except (OSError, ValueError, struct.error) as error:
            raise CameraError("the process that encodes H.264 has ended; see that PyAV works: python -m av") from error

    def close(self) -> None:
        """End the process and wait for it. May be called twice, not beside `encode`."""
        with contextlib.suppress(OSError):  # it is gone, with what it was sent
            self._stdin.close()
        try:
            self._child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._stdout.close()
