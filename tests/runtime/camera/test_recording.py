"""What was recorded is replayed to the same numbers, whatever happened on the way."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from misread.errors import FileError, InputError, OptionError
from misread.runtime.camera import CameraResult, FilmOptions, film
from misread.runtime.camera.loop import Command
from misread.runtime.camera.recorder import Recorder
from misread.runtime.source import SOURCES, Frame, Gap, Health, open_source
from misread.runtime.source.recording import INDEX, VIDEO, Origin
from tests.runtime.camera.scenes import colour_reader, feed, trio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.pixels import UInt8
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Tally

ORIGIN = Origin(source="device:0", locate="frame")
FULL = shutil.disk_usage("/")._replace(free=0)


class Presses:
    """Asks for one thing after the frames named."""

    def __init__(self, commands: dict[int, Command]) -> None:
        self.commands, self.shown = commands, 0

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        del observation, tally
        self.shown += 1
        return self.commands.get(self.shown - 1)

    def close(self) -> None:
        """Do nothing."""


class Planned:
    """A live source with a gap and pictures of several sizes, taken for any text."""

    name, example = "planned", "planned"

    @classmethod
    def accepts(cls, text: str) -> bool:
        return text == "planned"

    @classmethod
    def open(cls, text: str, options: object) -> Planned:
        del text, options
        return cls()

    def __init__(self) -> None:
        self.gaps: tuple[Gap, ...] = ()

    def frames(self) -> Iterator[Frame]:
        noise = np.random.default_rng(5)
        for number, size in enumerate([(12, 16)] * 6 + [(11, 15)] * 3 + [(20, 16)] * 3 + [(12, 16)] * 3):
            if number == 4:
                self.gaps = (Gap(start_ns=3, end_ns=400_000_000, reason="unplugged", attempts=2),)
            image = noise.integers(0, 256, (*size, 3), np.uint8)
            yield Frame(image=image, index=2 * number, time_ns=number * 40_000_000, pts_ms=number / 3, part=f"p{size}")

    def health(self) -> Health:
        return Health(dropped=14, gaps=self.gaps, notes=("planned",))

    def close(self) -> None:
        """Do nothing."""


def numbers(result: CameraResult) -> tuple[object, ...]:
    keys = [(one.exhibit, one.index, one.seconds, one.readouts) for one in result.key_frames]
    counts = (result.frames, result.located, result.seconds, result.health.dropped, result.health.gaps)
    return counts, result.summaries, result.verdicts, keys


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "recording" / INDEX).read_text().splitlines()]


def record(folder: Path, images: list[UInt8], *, end: bool = True) -> Path:
    """A finished recording of these frames, or one whose process was killed."""
    with Recorder(folder, ORIGIN) as recorder:
        for index, image in enumerate(images):
            recorder.add(Frame(image=image, index=index, time_ns=index * 1000))
        if end:
            recorder.end(Health())
    return folder / "recording"


def replayed(folder: Path) -> tuple[list[Frame], Health]:
    source = open_source(f"replay:{folder}")
    frames = list(source.frames())
    source.close()
    return frames, source.health()


@pytest.fixture
def pictures() -> list[UInt8]:
    return [np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8) for seed in range(4)]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misread.runtime.source.SOURCES", (Planned, *SOURCES))


def test_a_virtual_run_is_replayed_to_the_same_numbers(tmp_path: Path) -> None:
    readers = [colour_reader("fp32"), colour_reader("int8")]
    asked = FilmOptions(feed=feed(clips=2, frames=2), out=tmp_path / "run", record=True)
    live = film(trio(), readers, asked)
    assert len(live.verdicts) == 4
    assert live.frames == 2 * 3 * 5
    again = film(trio(), readers, FilmOptions(source=str(tmp_path / "run"), out=tmp_path / "again", record=True))
    assert numbers(again) == numbers(live)
    assert any("virtual camera" in note for note in again.health.notes)
    log, log_again = ((tmp_path / name / "frames.jsonl").read_text() for name in ("run", "again"))
    assert log == log_again
    assert lines(tmp_path / "run") == lines(tmp_path / "again")  # a replay can be recorded, and is the same recording


def test_gaps_sizes_parts_and_what_was_pressed_come_again(planned: None, tmp_path: Path) -> None:
    commands = {
        1: Command(arm="adversarial"),
        2: Command(cut=True),
        6: Command(count=False),
        7: Command(arm="placebo", count=True),
        9: Command(record=True),
        10: Command(arm="background"),
    }
    options = FilmOptions(source="planned", locate="frame", expect="red", out=tmp_path / "run", record=True)
    live = film([], [colour_reader()], options, view=Presses(commands))
    assert [one.arm for one in live.summaries] == ["clean", "adversarial", "placebo", "background"]
    assert [one.clips for one in live.summaries] == [1, 4, 2, 2]
    assert live.summaries[-1].label is None
    assert live.frames == 14  # of 15; one was looked at without counting
    files = {line["file"] for line in lines(tmp_path / "run") if line["event"] == "frame"}
    assert VIDEO in files
    assert len(files) == 6  # two odd and three tall pictures beside the film
    again = film([], [colour_reader()], replace(options, source=f"replay:{tmp_path / 'run'}", out=None, record=False))
    assert numbers(again) == numbers(live)


def test_switching_the_recording_keeps_only_what_was_filmed_then(planned: None, tmp_path: Path) -> None:
    commands = {0: Command(arm="adversarial"), 4: Command(record=True), 8: Command(record=False)}
    options = FilmOptions(source="planned", locate="frame", expect="red", out=tmp_path / "run")
    film([], [colour_reader()], options, view=Presses(commands))
    again = film([], [colour_reader()], replace(options, source=str(tmp_path / "run"), out=None))
    assert (again.frames, {one.arm for one in again.summaries}) == (4, {"adversarial"})


def test_a_run_without_recording_leaves_none(planned: None, tmp_path: Path) -> None:
    film([], [colour_reader()], FilmOptions(source="planned", locate="frame", out=tmp_path / "run"))
    assert not (tmp_path / "run" / "recording").exists()


def test_ctrl_c_leaves_a_recording_up_to_there(planned: None, tmp_path: Path) -> None:
    seen = []

    def stop(observation: Observation) -> None:
        seen.append(observation)
        if len(seen) == 5:
            raise KeyboardInterrupt

    options = FilmOptions(source="planned", locate="frame", out=tmp_path / "run", record=True)
    live = film([], [colour_reader()], options, on_frame=stop)
    assert live.ended == "interrupted"
    frames, health = replayed(tmp_path / "run")
    assert [frame.index for frame in frames] == [0, 2, 4, 6, 8]
    assert all((frame.image == one.frame.image).all() for frame, one in zip(frames, seen, strict=True))
    assert health.notes == ("planned",)


def test_a_full_disk_ends_the_recording_and_not_the_run(
    planned: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = shutil.disk_usage(tmp_path)._replace(free=2**40), []

    def usage(path: Path) -> object:
        asked.append(path)
        return real if len(asked) <= 3 else FULL

    monkeypatch.setattr("misread.runtime.camera.tape.shutil.disk_usage", usage)
    options = FilmOptions(source="planned", locate="frame", out=tmp_path / "run", record=True)
    live = film([], [colour_reader()], options)
    assert live.frames == 15
    assert "the recording ends after 3 frames" in live.health.notes[-1]
    assert len(replayed(tmp_path / "run")[0]) == 3


def test_a_film_that_lost_frames_is_told(
    tmp_path: Path, pictures: list[UInt8], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Recorder(tmp_path, ORIGIN) as recorder:
        for index, image in enumerate(pictures):
            recorder.add(Frame(image=image, index=index, time_ns=index))
        nothing = cv2.VideoCapture()
        monkeypatch.setattr("misread.runtime.camera.tape.cv2.VideoCapture", lambda *_: nothing)
        recorder.end(Health())
    assert recorder.notes == ("4 frames were filmed and 0 are in frames.mkv; the disk lost the rest",)


def test_without_the_codec_every_frame_is_a_picture(
    tmp_path: Path, pictures: list[UInt8], monkeypatch: pytest.MonkeyPatch
) -> None:

    class Closed:
        fourcc = staticmethod(lambda *_: 0)

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
            return False

    monkeypatch.setattr("misread.runtime.camera.tape.cv2.VideoWriter", Closed)
    folder = record(tmp_path, pictures)
    assert sorted(path.name for path in folder.glob("*.png")) == [f"{number:06d}.png" for number in range(4)]
    assert all((frame.image == image).all() for frame, image in zip(replayed(folder)[0], pictures, strict=True))


def test_a_killed_run_is_readable_up_to_there(tmp_path: Path, pictures: list[UInt8]) -> None:
    folder = record(tmp_path, pictures, end=False)
    index = folder / INDEX
    index.write_bytes(index.read_bytes()[:-30])
    frames, health = replayed(folder)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert health.notes == ("the recording was cut off; what was written until then is replayed",)


def test_frames_that_are_not_as_recorded_end_the_replay(tmp_path: Path, pictures: list[UInt8]) -> None:
    folder = record(tmp_path, pictures)
    film_bytes = (folder / VIDEO).read_bytes()
    (folder / VIDEO).write_bytes(film_bytes[: len(film_bytes) * 5 // 8])
    frames, health = replayed(folder)
    assert 0 < len(frames) < 4
    assert health.notes == (f"only {len(frames)} frames are as they were recorded; the rest was left out",)
    (folder / VIDEO).unlink()
    with pytest.raises(FileError, match="no frame as it was recorded"):
        replayed(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"file": "../000001.png"}, "line after 1 frames"),
        ({"cue": "poster"}, "line after 1 frames"),
        ({"time_ns": "soon"}, "line after 1 frames"),
        ({"event": None}, "only 3"),
    ],
)
def test_a_line_that_is_none_is_refused(
    tmp_path: Path, pictures: list[UInt8], change: dict[str, Any], says: str
) -> None:
    folder = record(tmp_path, pictures)
    written = lines(tmp_path)
    written[2] |= change
    (folder / INDEX).write_text("\n".join(json.dumps(line) for line in written))
    if says.startswith("only"):
        assert len(replayed(folder)[0]) == 1  # the film goes on where the index does not
        return
    with pytest.raises(FileError, match=says):
        replayed(folder)


@pytest.mark.parametrize(
    "head",
    ["", "[1]", '{"event": "recording", "version": 9}', '{"event": "recording", "version": 1, "source": 3}'],
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / INDEX).write_text(head)
    with pytest.raises(FileError, match=r"misread camera --record|it was changed"):
        open_source(str(tmp_path))
    (tmp_path / INDEX).unlink()
    (tmp_path / INDEX).mkdir()
    with pytest.raises(FileError, match="holds no recording"):
        open_source(f"replay:{tmp_path}")


def test_a_closed_replay_hands_out_nothing_more(tmp_path: Path, pictures: list[UInt8]) -> None:
    source = open_source(str(record(tmp_path, pictures)))
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


def test_a_recording_of_other_exhibits_is_refused(tmp_path: Path) -> None:
    asked = FilmOptions(feed=feed(clips=1, frames=1), out=tmp_path / "run", record=True)
    film(trio(), [colour_reader()], asked)
    with pytest.raises(InputError, match="clean, adversarial, placebo, and not what was given"):
        film([], [colour_reader()], FilmOptions(source=str(tmp_path / "run")))


def test_a_recording_needs_a_folder() -> None:
    with pytest.raises(OptionError, match="-o FOLDER"):
        FilmOptions(record=True)
