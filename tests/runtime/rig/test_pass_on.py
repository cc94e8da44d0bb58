"""`misread relay`: pictures go in as files and come out of a network camera; and the whole path over a screen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from misread.bundle import BundleWriter
from misread.errors import CameraError, OptionError, UnknownName
from misread.runtime.rig.pass_on import pass_on
from misread.runtime.source import Frame, SourceOptions, open_source
from misread.wish import UNTARGETED
from tests.runtime.planted import COLOURS, MEANS
from tests.runtime.screens import Display, display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from misread.pixels import UInt8

__all__ = ["display"]  # a fixture
needs_av = pytest.mark.skipif(find_spec("av") is None, reason="needs PyAV: pip install 'misread[video]'")


def pictures(folder: Path, *sizes_hw: tuple[int, int]) -> str:
    folder.mkdir()
    for index, (height, width) in enumerate(sizes_hw):
        cv2.imwrite(str(folder / f"{index:03}.png"), np.full((height, width, 3), (40, 90, 160), np.uint8))
    return str(folder)


class Watched:
    """A source that goes on until somebody has seen it."""

    def __init__(self) -> None:
        self.seen: list[UInt8] = []
        self._watcher: threading.Thread | None = None

    def frames(self) -> Iterator[Frame]:
        picture = np.full((121, 161, 3), (160, 90, 40), np.uint8)
        for index in range(10_000):
            yield Frame(image=picture, index=index, time_ns=index)
            if self.seen:
                return

    def watch(self, url: str) -> None:
        def look() -> None:
            with closing(open_source(url, SourceOptions(open_timeout_s=60, read_timeout_s=60))) as source:
                self.seen.append(next(source.frames()).image)

        self._watcher = threading.Thread(target=look, name="watcher")
        self._watcher.start()

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.join()


@pytest.mark.parametrize("transport", ["mjpeg", pytest.param("tcp", marks=needs_av)])
def test_what_goes_in_comes_out_and_odd_sizes_lose_a_row_or_column(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Watched()
    monkeypatch.setattr("misread.runtime.rig.pass_on.open_source", lambda *_: source)
    pass_on("watched", fps=100, transport=transport, on_ready=source.watch)
    source.close()
    assert source.seen[0].shape == (120, 160, 3)
    assert np.abs(source.seen[0].astype(int) - (160, 90, 40)).max() <= 6


def test_it_ends_with_its_source(tmp_path: Path) -> None:
    told: list[str] = []
    result = pass_on(pictures(tmp_path / "in", *[(64, 64)] * 3), fps=1000, transport="mjpeg", on_ready=told.append)
    assert not result.interrupted
    assert told == [result.url]
    with pytest.raises(CameraError):
        open_source(result.url)


def test_it_ends_with_its_time(tmp_path: Path) -> None:
    source = pictures(tmp_path / "in", *[(64, 64)] * 50)
    assert not pass_on(source, fps=1, seconds=0.01, transport="mjpeg").interrupted


def test_a_changed_size_is_said(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="changed from 64x64 to 80x64"):
        pass_on(pictures(tmp_path / "in", (64, 64), (64, 80)), transport="mjpeg")


@pytest.mark.parametrize("options", [{"fps": 0.0}, {"seconds": 0.0}, {"seconds": float("nan")}, {"port": -1}])
def test_rates_times_and_ports_without_sense_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        pass_on(pictures(tmp_path / "in", (64, 64)), transport="mjpeg", **options)


def test_an_unknown_transport_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="carrier"):
        pass_on(pictures(tmp_path / "in", (64, 64)), transport="carrier")


#: misread with the default answer to Ctrl-C: whoever starts the tests in the background leaves it ignored.
MISREAD = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from misread.cli import main; main()"
)
ATTEMPTS = 7
CLIPS = 8
ARMS = 4


class Commands:
    """The commands of the path, each a process in a folder before a screen; all end with the stack."""

    def __init__(self, stack: ExitStack, folder: Path, screen: Display) -> None:
        self._stack, self._folder, self._screen = stack, folder, screen

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "DISPLAY": self._screen.name, "QT_LOGGING_RULES": "*=false"}
        command = [sys.executable, "-c", MISREAD, *arguments]
        # As where it lies: the folder of the run is no place to import from.
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        run = self._stack.enter_context(
            subprocess.Popen(command, env=environment, cwd=self._folder, stdout=subprocess.PIPE, text=True)
        )
        self._stack.callback(run.kill)
        return run

    def show(self) -> None:
        """Start the window until it is not black; OpenCV's Qt leaves one so now and then."""
        for _ in range(ATTEMPTS):
            run = self.start(
                "rig", "bundle", "--transport", "window", "--fps", "15", "--clips", str(CLIPS), "--frames-per-clip", "3"
            )
            assert said(run) == "showing; q, Esc or Ctrl-C ends it"
            if until(lambda: bool(self._screen.look().any()), 10):
                return
            run.kill()
        pytest.fail(f"{ATTEMPTS} windows, and no picture on the screen")


def said(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    return run.stdout.readline().strip()


def until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (there := true()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there


def clips_seen(folder: Path) -> list[int]:
    """Count the clips of each exhibit that was seen, in the log of a run that goes on."""
    logs = list(folder.glob(".out.*.partial/frames.jsonl"))
    lines = logs[0].read_text().split("\n")[:-1] if logs else []  # the last may still be written
    frames = [frame for frame in map(json.loads, lines) if frame["event"] == "frame" and frame["located"]]
    return list(Counter(exhibit for exhibit, _ in {(f["exhibit"], f["clip"]) for f in frames}).values())


def planted(folder: Path) -> None:
    """Write a bundle for a build that reads the mean colour: a witness painted green, and one changed by a little."""
    writer = BundleWriter(folder / "bundle")
    red = flat((200, 60, 60))
    common: dict[str, Any] = {"clean": red, "label": "red", "label_given": True, "prepared": True, "source": "red.png"}
    common |= {"torch_float": True, "torch_8bit": True, "goal": UNTARGETED}
    writer.add(changed=flat((60, 200, 60)), placebo=flat((190, 70, 70)), **common)
    writer.add(changed=flat((198, 62, 62)), **common)
    writer.finish(card=COLOURS, origin="test", threat={}, attack={}, counts={})
    (folder / "colours.onnx").write_bytes(MEANS)
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")


def flat(colour: tuple[int, int, int]) -> UInt8:
    return np.full((8, 8, 3), colour, np.uint8)


@needs_av
@pytest.mark.slow
def test_from_a_window_over_the_network_to_a_verdict(display: Display, tmp_path: Path) -> None:
    """Window, X server, grabbed screen, H.264, TCP, OpenCV's decoder, camera loop; every part a command of misread."""
    planted(tmp_path)
    with ExitStack() as stack:
        path = Commands(stack, tmp_path, display)
        path.show()
        relay = path.start("relay", f"screen:{display.name}", "--fps", "15")
        address = said(relay).removeprefix("serving ")
        shown = ["--bundle", "bundle", "--source", address, "--headless", "-o", "out", "--json"]
        camera = path.start("camera", "-m", "colours.onnx", "--labels", "labels.txt", "--size", "8", *shown)
        until(lambda: camera.poll() is not None or sum(n >= CLIPS for n in clips_seen(tmp_path)) == ARMS, 120)
        camera.send_signal(signal.SIGINT)
        document = json.loads(camera.communicate(timeout=60)[0])
    rates = {one["exhibit"]: one["misread"] for one in document["summaries"] if one["crop"] == "raw"}
    assert {name: (rate["hits"] > 0, rate["hits"] == rate["total"]) for name, rate in rates.items()} == {
        "0000 clean": (False, False),
        "0000": (True, True),
        "0000 placebo": (False, False),
        "0001": (False, False),
    }
    findings = {one["exhibit"]: one["finding"] for one in document["verdicts"]}
    assert findings["0000"] == "persists"
    assert findings["0001"] != "persists"
