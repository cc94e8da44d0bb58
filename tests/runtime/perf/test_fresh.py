"""The fresh process: what it sees, and what is said of one that dies, hangs or talks nonsense."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from misread.errors import ModelRunError
from misread.runtime.perf import child
from misread.runtime.perf.child import Started, Task, start
from misread.runtime.perf.fresh import COMMAND, fresh
from misread.runtime.perf.memory import STATUS, Memory
from misread.runtime.session import SessionOptions
from tests.runtime.planted import COLOURS, MEANS

linux = pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the peak of one program")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return Task(path=path, card=COLOURS, session=SessionOptions(threads=1), batch=2, runs=3, seed=0)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_task_survives_the_way_to_the_process(task: Task) -> None:
    other = replace(task, card=replace(COLOURS, resize="crop", resize_px=9, mean=(0.1, 0.2, 0.3)))
    board = SessionOptions(threads=3, level="basic", spinning=True, arena=False)
    assert Task.of(task.text()) == task
    assert Task.of(replace(task, session=board).text()) == replace(task, session=board)
    assert Task.of(other.text()) == other


@linux
def test_a_fresh_process_answers(task: Task) -> None:
    found = fresh(task, seconds=60)
    assert found.start_ms >= found.python_ms + found.load_ms + found.first_ms
    assert min(found.python_ms, found.load_ms, found.first_ms) > 0
    assert found.peak_bytes is not None
    assert found.baseline_bytes is not None
    assert found.peak_bytes >= found.baseline_bytes > 10 * 2**20
    assert found.memory_source == "VmHWM"


@linux
def test_the_peak_is_the_process_s_own_and_not_its_parent_s(task: Task) -> None:
    """What getrusage tells hands a child the peak of whoever started it; break `memory` to use it and this fails."""
    held = b"x" * (256 * 2**20)
    found = fresh(task, seconds=60)
    assert found.peak_bytes is not None
    assert found.peak_bytes < len(held)


def test_the_parts_of_a_start_are_told_apart(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([100, 130, 131, 136])
    told = iter([Memory(now_bytes=70, peak_bytes=90, source="s"), Memory(now_bytes=80, peak_bytes=95, source="s")])
    monkeypatch.setattr(child, "memory", lambda: next(told))
    assert start(task, started_ns=20 * 10**6, clock=lambda: next(ticks) * 10**6) == Started(
        start_ms=116, python_ms=80, load_ms=30, first_ms=5, peak_bytes=95, baseline_bytes=70, memory_source="s"
    )


def test_a_system_that_tells_no_memory_says_none(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "memory", lambda: None)
    found = start(task, started_ns=0)
    assert (found.peak_bytes, found.baseline_bytes, found.memory_source) == (None, None, "")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('no \\x1b[2J such thing')", r"ended with exit code 1: no \x1b[2J such thing"),
        ("import sys; sys.exit(7)", "ended with exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL (out of memory?)"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV"),
        ("pass", "said nothing that can be read"),
        ("print('hello')", "said nothing that can be read: hello"),
        ("print('{}')", "said nothing that can be read"),
        (
            "import time; time.sleep(60)",
            "took longer than 0.5 s and was stopped; leave cold starts out with --starts 0",
        ),
    ],
)
def test_a_process_that_fails_is_one_sentence(task: Task, code: str, words: str) -> None:
    with pytest.raises(ModelRunError) as caught:
        fresh(task, seconds=0.5 if "sleep" in code else 60, command=python(code))
    said = str(caught.value)
    assert said.startswith(f"the fresh process that runs {task.path} ")
    assert words in said
    assert "\n" not in said
    assert caught.value.exit_code == 4


def test_an_unknown_signal_has_its_number(task: Task) -> None:
    from misread.runtime.perf.fresh import _ended

    assert _ended(-200) == "was killed by signal 200"


def test_a_process_that_cannot_be_started_is_one_sentence(task: Task) -> None:
    with pytest.raises(ModelRunError, match="cannot be started: No such file"):
        fresh(task, seconds=1, command=["/nowhere/python"])


def test_what_the_process_raises_is_said_by_its_last_line(task: Task) -> None:
    task.path.write_bytes(b"no model")
    with pytest.raises(ModelRunError, match=r"ended with exit code 1: .*InvalidProtobuf"):
        fresh(task, seconds=60)


def test_the_working_folder_is_not_on_its_path(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('a stranger wrote this')")
    monkeypatch.chdir(tmp_path)
    assert fresh(task, seconds=60).load_ms > 0
    assert "-P" in COMMAND


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
def test_ctrl_c_leaves_no_process_behind(task: Task, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def interrupt(number: int, frame: FrameType | None) -> None:
        if pid_file.exists() and pid_file.read_text():
            raise KeyboardInterrupt

    code = f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            fresh(task, seconds=60, command=python(code))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
