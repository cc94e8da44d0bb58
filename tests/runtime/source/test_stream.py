"""Network cameras on bad days: each ends in frames, a recorded gap, or one clear sentence; never in a hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import cv2
import pytest

from misread.errors import CameraError
from misread.runtime.source import Frame, FrameSource, SourceOptions, open_source
from misread.runtime.source.stream import connector, without_password
from tests.runtime.source.faulty import camera, jpeg

Send = Callable[[bytes], None]
QUICK = SourceOptions(open_timeout_s=3, read_timeout_s=0.7, retries=2, backoff_s=0.05)


def levels(source: FrameSource) -> list[int]:
    return [int(frame.image.mean().round()) for frame in source.frames()]


def until_lost(source: FrameSource) -> tuple[list[Frame], CameraError]:
    """Read until the source gives up; hand back what came and what was said."""
    frames = []
    try:
        for frame in source.frames():
            frames.append(frame)  # noqa: PERF402  what came before the error counts
    except CameraError as lost:
        return frames, lost
    return pytest.fail("the source ended without saying that it was lost")


def greys(frames: list[Frame]) -> list[int]:
    return [int(frame.image.mean().round()) for frame in frames]


def some(*numbers: int, pause_s: float = 0.02) -> Callable[[Send, threading.Event], None]:
    def visit(send: Send, stopped: threading.Event) -> None:
        for number in numbers:
            send(jpeg(number))
            stopped.wait(pause_s)

    return visit


def test_one_thread_decodes_since_each_more_is_a_frame_late(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[int]] = []
    monkeypatch.setattr("misread.runtime.source.stream.open_capture", lambda *given: asked.append(given[2]))
    connector("rtsp://127.0.0.1/cam", QUICK)()
    (params,) = asked
    assert dict(zip(params[::2], params[1::2], strict=True)) == {
        cv2.CAP_PROP_N_THREADS: 1,
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 3000,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: 700,
    }


def test_a_stream_that_stops_says_so_after_its_frames() -> None:
    with camera(some(*range(40, 60))) as url:
        source = open_source(url, QUICK)
        frames, lost = until_lost(source)
        source.close()
    assert "2 attempts to open it again failed" in str(lost)
    assert lost.exit_code == 4
    seen = greys(frames)
    assert seen == sorted(seen)
    assert seen[-1] == 59


def test_a_stream_that_comes_back_is_reopened_and_the_gap_is_told() -> None:
    with camera(some(*range(40, 50)), some(*range(90, 100))) as url:
        source = open_source(url, QUICK)
        seen = greys(until_lost(source)[0])
        health = source.health()
        source.close()
    assert any(level < 60 for level in seen)
    assert any(level > 80 for level in seen)
    assert len(health.gaps) == 1
    assert health.gaps[0].attempts == 1
    assert health.gaps[0].reason == "the source stopped giving frames"
    assert health.gaps[0].end_ns > health.gaps[0].start_ns


def test_a_stream_that_stalls_is_cut_after_the_read_timeout() -> None:
    def stall(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 50):
            send(jpeg(number))
        stopped.wait(60)

    with camera(stall) as url:
        source = open_source(url, QUICK)
        with pytest.raises(CameraError, match=r"stopped after .*no frame came within \d+\.\d s"):
            levels(source)
        source.close()


def test_a_camera_that_answers_and_never_sends_is_not_waited_for() -> None:
    def mute(send: Send, stopped: threading.Event) -> None:
        stopped.wait(60)

    with camera(mute) as url, pytest.raises(CameraError, match="cannot open stream"):
        open_source(url, SourceOptions(open_timeout_s=0.7, read_timeout_s=0.7))


def test_nobody_there() -> None:
    with pytest.raises(CameraError, match="cannot open stream") as caught:
        open_source("http://127.0.0.1:9/video", QUICK)
    assert "check the address" in str(caught.value)


def test_a_truncated_jpeg_in_between_does_not_end_the_stream() -> None:
    def visit(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 80):
            send(jpeg(number)[:-300] if number == 50 else jpeg(number))
            stopped.wait(0.01)

    with camera(visit) as url:
        source = open_source(url, QUICK)
        seen = greys(until_lost(source)[0])
        source.close()
    assert seen[-1] == 79


def test_a_stream_that_changes_its_size_goes_on() -> None:
    def visit(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 70):
            send(jpeg(number) if number < 55 else jpeg(number, 320, 240))
            stopped.wait(0.02)

    with camera(visit) as url:
        source = open_source(url, QUICK)
        frames, _ = until_lost(source)
        source.close()
    assert frames[0].image.shape == (120, 160, 3)
    assert greys(frames)[-1] >= 66  # OpenCV scales to the first size or hands out the new one; it goes on


def test_a_slow_reader_gets_the_newest_frame_and_drops_are_counted() -> None:
    with camera(some(*range(20, 220), pause_s=0.01)) as url:
        source = open_source(url, QUICK)
        frames = source.frames()
        indices, ages = [], []
        for _ in range(4):
            frame = next(frames)
            ages.append((time.monotonic_ns() - frame.time_ns) * 1e-9)
            indices.append(frame.index)
            time.sleep(0.25)
        dropped = source.health().dropped
        source.close()
    assert indices == sorted(set(indices))
    assert dropped >= indices[-1] - len(indices)
    assert dropped > 10


def test_closing_ends_a_reader_that_waits() -> None:
    def quiet(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 45):
            send(jpeg(number))
        stopped.wait(60)

    with camera(quiet) as url:
        source = open_source(url, SourceOptions(read_timeout_s=1.0))
        reader = threading.Thread(target=levels, args=(source,))
        reader.start()
        time.sleep(0.2)
        source.close()
        source.close()
        reader.join(10)
        assert not reader.is_alive()


def test_a_second_reader_that_is_turned_away_leaves_the_first_alone() -> None:
    away = threading.Event()

    def one(send: Send, stopped: threading.Event) -> None:
        number = 40
        while not (away.is_set() and number > 90):
            send(jpeg(number))
            number = min(number + 1, 91)
            stopped.wait(0.01)

    with camera(one) as url:
        first = open_source(url, QUICK)
        with pytest.raises(CameraError, match="cannot open stream"):
            open_source(url, QUICK)
        away.set()
        seen = greys(until_lost(first)[0])
        first.close()
    assert seen[-1] >= 90


def test_passwords_stay_out_of_messages() -> None:
    assert without_password("rtsp://me:secret@10.0.0.2:554/cam") == "rtsp://10.0.0.2:554/cam"
    with pytest.raises(CameraError) as caught:
        open_source("http://me:secret@127.0.0.1:9/video", QUICK)
    assert "secret" not in str(caught.value)
