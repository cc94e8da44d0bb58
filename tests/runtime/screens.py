"""A screen without a monitor: Xvfb, with its pixels in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

if TYPE_CHECKING:
    from misread.pixels import UInt8

WIDTH: Final = 1280
HEIGHT: Final = 900


@dataclass
class Display:
    """A virtual screen and the file that holds its pixels."""

    name: str
    pixels: Path

    def look(self) -> UInt8:
        """Read the screen, an X window dump: header of big-endian words, then rows of blue, green, red, unused."""
        data = self.pixels.read_bytes()
        words = np.frombuffer(data, ">u4", 25)
        width, height, line = int(words[4]), int(words[5]), int(words[12])
        start = int(words[0]) + 12 * int(words[19])
        rows = np.frombuffer(data, np.uint8, line * height, start).reshape(height, line)
        return rows[:, : width * 4].reshape(height, width, 4)[..., :3]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[Display]:
    if shutil.which("Xvfb") is None:
        pytest.skip("a window without a screen needs Xvfb (Debian: apt-get install xvfb)")
    read, write = os.pipe()
    # Without -noreset it starts over when its last client leaves, and Qt looks in before it stays.
    number = 1000 + os.getpid() % 50_000
    screen = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(tmp_path)]
    command = ["Xvfb", f":{number}", "-noreset", "-displayfd", str(write), *screen, "-nolisten", "tcp"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, pass_fds=(write,), **quiet)  # type: ignore[call-overload]
    os.close(write)
    with os.fdopen(read) as told:
        assert told.readline().strip() == str(number), "the display is taken, or Xvfb does not start"
    yield Display(f":{number}", tmp_path / "Xvfb_screen0")
    server.terminate()
    server.wait(20)
