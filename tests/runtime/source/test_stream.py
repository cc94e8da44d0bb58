"""Network cameras on bad days: each ends in frames, a recorded gap, or one clear sentence; never in a hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from misread.errors import CameraError
from misread.runtime.source import FrameSource, SourceOptions, open_source
from misread.runtime.source.stream import without_password
from tests.runtime.source.faulty import camera, jpeg

Send = Callable[[bytes], None]
QUICK = SourceOptions(open_timeout_s=3, read_timeout_s=0.7, retries=2, backoff_s=0.05)


def levels(source: FrameSource) -> list[int]:
    return [int(frame.image.mean().round()) for frame in source.frames()]


def some(*numbers: int, pause_s: float = 0.02) -> Callable[[Send, threading.Event], None]:
    def visit(send: Send, stopped: threading.Event) -> None:
        for number in numbers:
            send(jpeg(number))
            stopped.wait(pause_s)

    return visit


def test_a_stream_that_stops_says_so_after_its_frames() -> None:
    with camera(some(*range(40, 60))) as url:
        source = open_source(url, QUICK)
        seen = []
        with pytest.raises(CameraError, match=r"stopped after \d+ frames and 2 attempts") as caught:
            for frame in source.frames():
                seen.append(int(frame.image.mean().round()))
        source.close()
    assert caught.value.exit_code == 4
    assert seen
    assert seen == sorted(seen)
    assert seen[-1] == 59


def test_a_stream_that_comes_back_is_reopened_and_the_gap_is_told() -> None:
    with camera(some(*range(40, 50)), some(*range(90, 100))) as url:
        source = open_source(url, QUICK)
        seen = []
        with pytest.raises(CameraError):
            seen.extend(levels_into(seen, source))
        health = source.health()
        source.close()
    assert any(level < 60 for level in seen)
    assert any(level > 80 for level in seen)
    assert len(health.gaps) == 1
    assert health.gaps[0].attempts == 1
    assert health.gaps[0].end_ns > health.gaps[0].start_ns


def levels_into(seen: list[int], source: FrameSource) -> list[int]:
    for frame in source.frames():
        seen.append(int(frame.image.mean().round()))
    return []


def test_a_stream_that_stalls_is_cut_after_the_read_timeout() -> None:
    def stall(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 50):
            send(jpeg(number))
        stopped.wait(60)

    with camera(stall) as url:
        source = open_source(url, QUICK)
        with pytest.raises(CameraError, match="stopped after"):
            levels(source)
        source.close()


def test_a_camera_that_answers_and_never_sends_is_not_waited_for() -> None:
    with camera(lambda send, stopped: bool(stopped.wait(60)) and None) as url:
        with pytest.raises(CameraError, match="cannot open stream"):
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
        seen: list[int] = []
        with pytest.raises(CameraError):
            levels_into(seen, source)
        source.close()
    assert seen[-1] == 79


def test_a_stream_that_changes_its_size_goes_on() -> None:
    def visit(send: Send, stopped: threading.Event) -> None:
        for number in range(40, 70):
            send(jpeg(number) if number < 55 else jpeg(number, 320, 240))
            stopped.wait(0.02)

    sizes = set()
    with camera(visit) as url:
        source = open_source(url, QUICK)
        with pytest.raises(CameraError):
            for frame in source.frames():
                sizes.add(frame.image.shape[:2])
        source.close()
    assert len(sizes) >= 1  # FFmpeg scales to the first size or hands out the new one; neither may crash


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


def test_passwords_stay_out_of_messages() -> None:
    assert without_password("rtsp://me:secret@10.0.0.2:554/cam") == "rtsp://10.0.0.2:554/cam"
    with pytest.raises(CameraError) as caught:
        open_source("http://me:secret@127.0.0.1:9/video", QUICK)
    assert "secret" not in str(caught.value)
