"""What every source promises, and how a text finds its source."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from misread.errors import CameraError, InputError, OptionError
from misread.pixels import write_png
from misread.runtime.rig import Script
from misread.runtime.source import SOURCES, SourceOptions, open_source
from misread.runtime.source.capture import grab
from misread.runtime.source.frame import Frame
from misread.runtime.source.mailbox import Mailbox
from misread.runtime.source.synthetic import default_exhibit, drawn_exhibit

SHORT = Script(clips=1, frames_per_clip=4, blank_frames=1)


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        write_png(tmp_path / "pictures" / f"{number}.png", np.full((16, 16, 3), number, np.uint8))
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return {"virtual": "virtual", "folder": str(tmp_path / "pictures"), "video": str(path)}


@pytest.mark.parametrize("name", [kind.name for kind in SOURCES])
def test_every_source_keeps_the_contract(name: str, texts: dict[str, str]) -> None:
    if name not in texts:
        pytest.skip("needs a camera; its own tests pretend one")
    source = open_source(texts[name], SourceOptions(script=SHORT))
    frames = list(source.frames())
    source.close()
    source.close()
    assert len(frames) >= 3
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(a.time_ns < b.time_ns for a, b in pairwise(frames))
    assert all(frame.image.dtype == np.uint8 and frame.image.shape[2] == 3 for frame in frames)
    assert source.health().dropped == 0
    assert source.health().properties


@pytest.mark.parametrize("name", [kind.name for kind in SOURCES])
def test_every_source_shows_an_example_that_it_takes(name: str, texts: dict[str, str]) -> None:
    kind = next(kind for kind in SOURCES if kind.name == name)
    assert kind.accepts(texts.get(name, kind.example))


def test_an_unknown_source_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no source 'nowhere.mp4'.*virtual, device:0"):
        open_source("nowhere.mp4")


def test_the_virtual_camera_films_a_stop_sign_by_itself() -> None:
    source = open_source("virtual", SourceOptions(script=SHORT))
    frames = list(source.frames())
    source.close()
    assert len(frames) == 5
    assert frames[3].time_ns == pytest.approx(3 / 30 * 1e9)
    assert any("simulated" in note for note in source.health().notes)


def test_a_live_virtual_camera_ends_in_peace() -> None:
    source = open_source("virtual", SourceOptions(script=SHORT, rig_fps=100.0, backoff_s=0.05))
    frames = list(source.frames())
    source.close()
    assert frames[-1].index == len(frames) - 1 + source.health().dropped


def test_a_virtual_camera_can_be_left_early() -> None:
    source = open_source("virtual", SourceOptions(script=Script(clips=50)))
    next(source.frames())
    source.close()


def test_a_virtual_camera_that_cannot_be_reached_stops_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.runtime.source.synthetic.connector", lambda *_: lambda: None)
    with pytest.raises(CameraError, match="virtual camera"):
        open_source("virtual", SourceOptions(script=SHORT))


def test_the_sign_that_hangs_by_default_is_one_the_model_knows() -> None:
    assert default_exhibit(("Give way", "Stop"), None).label == "Stop"
    assert default_exhibit(("Give way", "No entry"), None).label in {"Give way", "No entry"}
    assert default_exhibit(("Stop",), "Give way").label == "Give way"
    assert drawn_exhibit("Stop").image.shape == (192, 192, 3)


@pytest.mark.parametrize(("labels", "wanted"), [(("cat", "dog"), None), (("cat", "dog"), "cat")])
def test_labels_without_a_drawing_ask_for_a_bundle(labels: tuple[str, ...], wanted: str | None) -> None:
    with pytest.raises(InputError, match="--bundle"):
        default_exhibit(labels, wanted)


@pytest.mark.parametrize(
    "options",
    [
        {"open_timeout_s": 0.0},
        {"read_timeout_s": float("nan")},
        {"retries": -1},
        {"backoff_s": 31.0},
        {"fps": 0.0},
        {"width": -1},
    ],
)
def test_options_without_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        SourceOptions(**options)  # type: ignore[arg-type]


class Odd:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def read(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        (False, None),
        (True, None),
        (True, np.zeros((0, 0, 3), np.uint8)),
        (True, np.zeros((4, 4, 3), np.uint16)),
        cv2.error("decoder"),
    ],
)
def test_what_is_no_frame_is_none(answer: object) -> None:
    assert grab(Odd(answer)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_grey_frames_become_rgb(shape: tuple[int, ...]) -> None:
    image = grab(Odd((True, np.full(shape, 7, np.uint8))))  # type: ignore[arg-type]
    assert image is not None
    assert image.shape == (4, 6, 3)


def frame(index: int) -> Frame:
    return Frame(image=np.zeros((1, 1, 3), np.uint8), index=index, time_ns=index)


def test_a_mailbox_keeps_the_newest_and_counts_the_rest() -> None:
    box = Mailbox(every=False)
    for index in range(5):
        assert box.put(frame(index))
    got = box.get()
    assert got is not None
    assert got.index == 4
    assert box.dropped == 4


def test_a_mailbox_for_every_frame_lets_the_sender_wait() -> None:
    box = Mailbox(every=True, depth=2)

    def send() -> None:
        for index in range(20):
            box.put(frame(index))
        box.end()

    sender = threading.Thread(target=send)
    sender.start()
    got = []
    while (one := box.get()) is not None:
        got.append(one.index)
    sender.join()
    assert got == list(range(20))
    assert box.dropped == 0


def test_a_mailbox_raises_its_error_once_it_is_empty() -> None:
    box = Mailbox(every=False)
    box.put(frame(0))
    box.end(CameraError("gone"))
    box.end(CameraError("gone twice"))
    assert box.get() is not None
    with pytest.raises(CameraError, match=r"^gone$"):
        box.get()
    assert not box.put(frame(1))
