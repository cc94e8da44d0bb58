"""A stop is obeyed while no frame comes: by key, by button, by Ctrl-C; and what is pressed then is not lost."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.errors import CameraError
from misread.runtime.camera import FilmOptions, film
from misread.runtime.camera.loop import Attentive, Command, Views
from misread.runtime.camera.web import WebView
from misread.runtime.camera.window import Window
from misread.runtime.source import SOURCES, Awaited, Frame, open_source
from misread.runtime.source.live import Feed, Live
from tests.runtime.camera.scenes import RED, colour_reader, feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from misread.runtime.camera import CameraResult
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Tally
    from misread.runtime.source import FrameSource

PATIENCE_S = 60.0


class Stuck:
    """A capture that gives one red frame, hangs until it is let go, and gives another."""

    def __init__(self) -> None:
        self.let_go, self.reads = threading.Event(), 0

    def read(self) -> tuple[bool, Any]:
        self.reads += 1
        if self.reads == 2:
            assert self.let_go.wait(PATIENCE_S)
        return self.reads <= 2, np.full((16, 16, 3), RED[::-1], np.uint8)

    def get(self, what: int) -> float:
        return 0.0

    def getBackendName(self) -> str:  # noqa: N802  OpenCV's name
        return "STUCK"

    def release(self) -> None:
        """Do nothing."""


class Pressed:
    """A view that is asked while nothing comes, and does something then."""

    def __init__(self, act: Callable[[], Command | None]) -> None:
        self.act, self.shown = act, 0

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        self.shown += 1
        return None

    def asked(self) -> Command | None:
        return self.act() if self.shown else None

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Stuck:
    """The source `stuck`; closing it lets the read in progress go, as a time limit would."""
    capture = Stuck()

    class Source:
        name = example = "stuck"

        @staticmethod
        def accepts(text: str) -> bool:
            return text == "stuck"

        @staticmethod
        def open(text: str, options: object) -> FrameSource:
            opened: Any = iter([capture])
            source = Live(
                Feed(what="it", hint="go", opener=lambda: next(opened, None), retries=0, backoff_s=0, every=True)
            )
            close = source.close

            def let_go() -> None:
                capture.let_go.set()
                close()

            monkeypatch.setattr(source, "close", let_go)
            return source

    monkeypatch.setattr("misread.runtime.source.SOURCES", (Source, *SOURCES))
    return capture


def watched(act: Callable[[], Command | None], out: Path | None = None) -> CameraResult:
    options = FilmOptions(source="stuck", locate="frame", expect="red", out=out)
    return film([], [colour_reader()], options, view=Views([Pressed(act)]))


def test_a_stop_ends_a_run_whose_source_hangs(stuck: Stuck) -> None:
    result = watched(lambda: Command(quit=True))
    assert (result.frames, result.ended) == (1, "quit")


def test_ctrl_c_ends_a_run_whose_source_hangs(stuck: Stuck) -> None:
    result = watched(lambda: signal.raise_signal(signal.SIGINT))
    assert (result.frames, result.ended) == (1, "interrupted")


def test_what_is_pressed_while_nothing_comes_counts_from_the_next_frame(stuck: Stuck, tmp_path: Path) -> None:
    def act() -> Command | None:
        if stuck.let_go.is_set():
            return None
        stuck.let_go.set()
        return Command(arm="adversarial")

    with pytest.raises(CameraError, match="stopped after 2 frames"):
        watched(act, out=tmp_path / "out")
    log = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert [line["arm"] for line in log if line["event"] == "frame"] == ["clean", "adversarial"]


def test_windows_and_browsers_can_be_asked_and_live_sources_waited_for() -> None:
    assert issubclass(Window, Attentive)
    assert issubclass(WebView, Attentive)
    assert issubclass(Live, Awaited)
    source = open_source("virtual", feed(clips=1, frames=1))
    try:
        assert isinstance(source, Awaited)
        while not source.ready(0.01):
            pass
        frames: Iterator[Frame] = source.frames()
        assert next(frames).index == 0
    finally:
        source.close()
