"""The thread that records: in order, never short of a frame that was read, ended in every case."""

from __future__ import annotations

import errno
import os
import threading
from queue import Empty
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from misread.runtime.camera import FilmOptions, film
from misread.runtime.camera.log import FrameLog
from misread.runtime.camera.recorder import DEPTH, Recorder
from misread.runtime.camera.tape import Tape
from misread.runtime.source import Frame, Health, open_source
from misread.runtime.source.recording import INDEX, Origin
from tests.runtime.camera.scenes import colour_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = Origin(source="device:0", locate="frame")
PATIENCE_S = 60.0


def frame(number: int) -> Frame:
    return Frame(image=np.full((12, 16, 3), number, np.uint8), index=number, time_ns=number * 1000)


class Held:
    """Lets the first frame be written when it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        real = Tape.add

        def add(tape: Tape, one: Frame, cue: str | None) -> None:
            self.begun.set()
            assert self.released.wait(PATIENCE_S)
            real(tape, one, cue)

        monkeypatch.setattr(Tape, "add", add)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    hold = Held(monkeypatch)
    yield hold
    hold.released.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures."""
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((12, 16, 3), 40 * number, np.uint8))
    return tmp_path


def recorded(run: Path) -> list[int]:
    source = open_source(f"replay:{run}")
    try:
        return [one.index for one in source.frames()]
    finally:
        source.close()


def test_a_slow_disk_holds_nobody_up_until_too_much_waits_and_then_nothing_is_lost(tmp_path: Path, held: Held) -> None:
    with Recorder(tmp_path, ORIGIN) as recorder:
        recorder.add(frame(0))
        assert held.begun.wait(PATIENCE_S)
        for number in range(1, DEPTH + 1):
            recorder.add(frame(number))  # would never return if it wrote itself
        late = threading.Thread(target=lambda: recorder.add(frame(DEPTH + 1)))
        late.start()
        assert recorder._jobs.full()
        assert late.is_alive()
        held.released.set()
        late.join(PATIENCE_S)
        recorder.end(Health())
    assert recorded(tmp_path) == list(range(DEPTH + 2))
    assert recorder.notes == ()


def test_what_waits_is_forgotten_when_the_run_fails(
    tmp_path: Path, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path, ORIGIN)
    take = recorder._jobs.get_nowait

    def forget() -> object:
        try:
            return take()
        except Empty:
            held.released.set()
            raise

    def fail() -> None:
        with recorder:
            recorder.add(frame(0))
            assert held.begun.wait(PATIENCE_S)
            recorder.add(frame(1))
            raise ZeroDivisionError

    monkeypatch.setattr(recorder._jobs, "get_nowait", forget)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert recorded(tmp_path) == [0]


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_fault_in_the_thread_is_raised_where_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    def record() -> None:
        with Recorder(tmp_path, ORIGIN) as recorder:
            recorder.add(frame(0))
            while goes_on:
                recorder.add(frame(1))
            recorder.end(Health())

    monkeypatch.setattr(Tape, "add", fault)
    with pytest.raises(ZeroDivisionError):
        record()


class Full:
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self.write("")


def test_a_full_disk_in_the_index_keeps_run_and_recording(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FrameLog.write

    def write(log: FrameLog, record: dict[str, Any]) -> None:
        if log._path is not None and log._path.name == INDEX and record.get("index") == 3:
            assert log._file is not None
            log._file.close()
            log._file = Full()  # type: ignore[assignment]
        real(log, record)

    monkeypatch.setattr(FrameLog, "write", write)
    options = FilmOptions(source=str(folder), locate="frame", out=tmp_path / "run", record=True)
    result = film([], [colour_reader()], options)
    assert result.frames == 6
    assert result.health.notes == (
        "the recording ends after 3 frames, since it cannot be written: No space left on device",
    )
    assert recorded(tmp_path / "run") == [0, 1, 2]
