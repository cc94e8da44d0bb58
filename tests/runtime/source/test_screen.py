"""Grabbed screens: how they are named, and a known picture in the frame buffer of an Xvfb, pixel for pixel."""

from __future__ import annotations

import contextlib
import mmap
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from misread.errors import CameraError, InputError, MissingExtra
from misread.runtime.source import SourceOptions, open_source, screen
from misread.runtime.source.screen import Grab, Region, region

XVFB = shutil.which("Xvfb")
WIDTH, HEIGHT = 320, 240
PATIENT = SourceOptions(open_timeout_s=60, read_timeout_s=30, retries=0)
needs_screen = pytest.mark.skipif(
    XVFB is None or find_spec("av") is None, reason="needs Xvfb, and PyAV: pip install 'misread[video]'"
)
PICTURE = np.random.default_rng(6).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@contextlib.contextmanager
def xvfb(folder: Path) -> Iterator[str]:
    """Start a screen that shows PICTURE: its frame buffer is a file (an XWD header, then blue, green, red, nothing)."""
    size = f"{WIDTH}x{HEIGHT}x24"
    command = [
        str(XVFB),
        "-displayfd",
        "1",
        "-screen",
        "0",
        size,
        "-fbdir",
        str(folder),
        "-noreset",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout is not None
        number = server.stdout.readline().decode().strip()
        with (folder / "Xvfb_screen0").open("r+b") as file, mmap.mmap(file.fileno(), 0) as buffer:
            header = struct.unpack(">25I", buffer[:100])
            start = header[0] + header[19] * 12  # the header's size, then the colour map of 12 bytes an entry
            assert header[12] == WIDTH * 4  # bytes per line
            pixels = np.dstack([PICTURE[..., ::-1], np.zeros((HEIGHT, WIDTH), np.uint8)])
            buffer[start : start + pixels.size] = pixels.tobytes()
        yield f":{number}"
    finally:
        server.terminate()
        server.communicate()


@needs_screen
def test_a_known_picture_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    with xvfb(tmp_path) as display:
        whole = open_source(f"screen:{display}", PATIENT)
        first = next(whole.frames())
        whole.close()
        part = open_source(f"screen:{display},64x48+30+20", PATIENT)
        few = [frame for frame, _ in zip(part.frames(), range(3), strict=False)]
        health = part.health()
        part.close()
        with pytest.raises(CameraError, match="the region lies on it"):
            open_source(f"screen:{display},64x48+3000+20", PATIENT)
    assert np.array_equal(first.image, PICTURE)
    assert [np.array_equal(frame.image, PICTURE[20:68, 30:94]) for frame in few] == [True] * 3
    assert dict(health.properties) == {"size": "64x48", "fps": "30", "pixel format": "BGR3", "backend": "X11GRAB"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("screen:", Region(display=":5")),
        ("screen:640x480+100+50", Region(display=":5", box=(640, 480, 100, 50))),
        ("screen::97.0", Region(display=":97.0")),
        ("screen:lab-3.local:1,8x9+0+0", Region(display="lab-3.local:1", box=(8, 9, 0, 0))),
    ],
)
def test_how_a_screen_is_named(text: str, found: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":5")
    assert region(text) == found


@pytest.mark.parametrize(
    "text",
    ["screen:640x480", "screen::97,", "screen:,1x1+0+0", "screen:0x480+0+0", "screen::97 -x", "screen:1x99999+0+0"],
)
def test_what_names_no_screen_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":5")
    with pytest.raises(InputError, match="a screen is screen:"):
        open_source(text)


def test_without_a_display_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(InputError, match="as in screen::0"):
        open_source("screen:")


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"misread\[video\]") as caught:
        open_source("screen::5")
    assert caught.value.exit_code == 3


def test_windows_has_no_such_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InputError, match="Windows has none"):
        open_source("screen::5")


def child(code: str) -> Grab:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, bufsize=0)
    return Grab(process, timeout_s=0.05, fps=30.0)


def test_a_grabber_that_dies_or_stalls_gives_no_frame() -> None:
    dead = child("import sys; sys.stdout.buffer.write(bytes((2, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3)))")
    assert dead.begin(60)
    assert dead.read() == (False, None)
    dead.release()
    stalled = child("import time; time.sleep(600)")
    assert not stalled.begin(0.05)
    stalled.release()
    stalled.release()


def test_a_size_without_sense_is_no_screen() -> None:
    empty = child("import sys; sys.stdout.buffer.write(bytes(8))")
    assert not empty.begin(60)
    empty.release()
