"""A live source and its troubles, with captures that fail in chosen ways: told, counted, and no busy loop."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from misread.errors import CameraError
from misread.runtime.source.capture import Nothing, Quiet
from misread.runtime.source.live import MAX_BROKEN, Feed, Live, reason
from misread.runtime.source.watch import STILL_FRAMES, Watch

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.source.frame import Frame

DEAD = (False, None)
BROKEN = (True, None)


def picture(level: int, height: int = 16, width: int = 16) -> tuple[bool, UInt8]:
    return True, np.full((height, width, 3), level, np.uint8)


class Tape:
    """A capture that gives what is on it, then nothing, and always says that it is open."""

    def __init__(self, *reads: Any, fps: float = 0.0) -> None:
        self.left = list(reads)
        self.reads = self.released = 0
        self.fps = fps

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return True

    def read(self) -> Any:
        self.reads += 1
        read = self.left.pop(0) if self.left else DEAD
        if isinstance(read, cv2.error):
            raise read
        return read

    def get(self, what: int) -> float:
        return self.fps if what == cv2.CAP_PROP_FPS else 0.0

    def getBackendName(self) -> str:  # noqa: N802  OpenCV's name
        return "TAPE"

    def release(self) -> None:
        self.released += 1


def play(*tapes: Tape, retries: int | None = None) -> tuple[list[Frame], Live, str]:
    """Read tapes until the source gives up: every frame, the source, and what was said."""
    opened = iter(tapes)
    opener: Callable[[], Any] = lambda: next(opened, None)  # noqa: E731
    feed = Feed(
        what="the tape", hint="rewind it", opener=opener, retries=retries or len(tapes), backoff_s=0.0, every=True
    )
    source = Live(feed)
    frames: list[Frame] = []
    try:
        for frame in source.frames():
            frames.append(frame)  # noqa: PERF402  what came before the error counts
    except CameraError as lost:
        return frames, source, str(lost)
    finally:
        source.close()
    return pytest.fail("the source ended without saying that it was lost")


def test_a_dead_capture_that_says_it_is_open_is_read_once_and_released() -> None:
    tapes = [Tape(), Tape(), Tape()]
    frames, _, said = play(*tapes)
    assert frames == []
    assert [tape.reads for tape in tapes] == [1, 1, 1]
    assert [tape.released for tape in tapes] == [1, 1, 1]
    assert "the source stopped giving frames" in said


def test_waits_double_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def no_wait(_: object, wait_s: float) -> bool:
        waits.append(wait_s)
        return False

    monkeypatch.setattr("misread.runtime.source.mailbox.Mailbox.wait_ended", no_wait)
    opened = iter([Tape()])
    feed = Feed(what="it", hint="look", opener=lambda: next(opened, None), retries=9, backoff_s=0.5)  # type: ignore[arg-type,return-value]
    source = Live(feed)
    with pytest.raises(CameraError):
        list(source.frames())
    source.close()
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_one_broken_frame_does_not_end_a_camera() -> None:
    tape = Tape(picture(1), BROKEN, (True, np.zeros((0, 0, 3), np.uint8)), picture(2))
    frames, source, _ = play(tape)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2]
    assert source.health().gaps == ()
    assert "2 frames could not be decoded and were left out" in source.health().notes


def test_nothing_but_broken_frames_is_a_gap_with_that_reason() -> None:
    lost = Tape(picture(1), *[BROKEN] * 100)
    frames, source, _ = play(lost, Tape(picture(2)))
    assert lost.reads == 1 + MAX_BROKEN + 1
    assert [gap.reason for gap in source.health().gaps] == ["frames came that could not be decoded"]
    assert len(frames) == 2


def test_a_decoder_that_fails_is_named() -> None:
    _, source, said = play(Tape(picture(1), cv2.error("no")), Tape(cv2.error("no")))
    assert source.health().gaps[0].reason == "the decoder failed"
    assert "(the decoder failed)" in said


@pytest.mark.parametrize(
    ("what", "took_s", "said"),
    [
        (Nothing.ENDED, 0.0, "the source stopped giving frames"),
        (Nothing.ENDED, 3.04, "no frame came within 3.0 s"),
        (Nothing.EMPTY, 3.0, "frames came that could not be decoded"),
        (Nothing.FAILED, 3.0, "the decoder failed"),
    ],
)
def test_a_timeout_is_told_from_an_end(what: Nothing, took_s: float, said: str) -> None:
    assert reason(what, took_s) == said


def test_a_frozen_picture_is_told_and_a_still_scene_with_noise_is_not() -> None:
    frozen = Tape(*[picture(7)] * (STILL_FRAMES + 5))
    frames, source, _ = play(frozen)
    assert len(frames) == STILL_FRAMES + 5
    assert any(f"stood still to the last bit for {STILL_FRAMES + 5} frames" in note for note in source.health().notes)
    noisy = Tape(*[picture(7 + index % 2) for index in range(STILL_FRAMES + 5)])
    assert not any("stood still" in note for note in play(noisy)[1].health().notes)


def test_a_size_that_changes_midway_is_told() -> None:
    frames, source, _ = play(Tape(picture(1), picture(2), picture(3, 32, 24)))
    assert frames[-1].image.shape == (32, 24, 3)
    assert "the picture changed its size: 16x16 from frame 0, 24x32 from frame 2" in source.health().notes


@pytest.mark.parametrize(("told", "wrong"), [(25.0, True), (30.0, False), (0.0, False)])
def test_a_rate_told_wrongly_is_measured(told: float, wrong: bool) -> None:
    watch = Watch(told=told)
    for index in range(40):
        watch.see(np.full((8, 8, 3), index, np.uint8), index * 33_333_333)
        if index == 20:
            watch.interrupt()
    assert watch.fps == pytest.approx(30.0, rel=1e-3)
    assert ("the source tells of 25 frames per second, and 30 came" in watch.notes()) == wrong


def test_opencv_is_silent_while_anybody_reads_and_speaks_again_after(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [3]
    quiet = Quiet()
    monkeypatch.setattr(quiet, "_log", SimpleNamespace(getLogLevel=lambda: levels[-1], setLogLevel=levels.append))
    with quiet:
        with quiet:
            assert levels[-1] == 0
        assert levels[-1] == 0
    assert levels[-1] == 3
    with pytest.raises(ZeroDivisionError), quiet:
        raise ZeroDivisionError
    assert levels == [3, 0, 3, 0, 3]


def test_too_few_frames_have_no_rate() -> None:
    watch = Watch(told=25.0)
    for index in range(20):
        watch.see(np.full((8, 8, 3), index, np.uint8), index)
    assert watch.fps is None
    assert watch.notes() == ()


def test_stamps_never_go_back_over_a_gap() -> None:
    frames, source, _ = play(Tape(picture(1), picture(2)), Tape(picture(3), picture(4)))
    stamps = [frame.time_ns for frame in frames]
    gap = source.health().gaps[0]
    assert stamps == sorted(stamps)
    assert stamps[1] <= gap.start_ns <= gap.end_ns <= stamps[2]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
