"""Whole runs through encoder, socket, decoder and loop, with readers whose answers are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import CameraError, InputError, OptionError, UnknownName
from misread.files import read_json
from misread.pixels import read_image, write_png
from misread.runtime.board import Exhibit
from misread.runtime.camera import CameraResult, FilmOptions, film
from misread.runtime.camera.loop import Command
from misread.runtime.camera.result import KIND
from misread.runtime.source import SourceOptions
from tests.runtime.camera.scenes import GREEN, RED, colour_reader, exhibit, feed, flat, trio
from tests.runtime.source.faulty import camera, jpeg

if TYPE_CHECKING:
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Tally


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> CameraResult:
    out = tmp_path_factory.mktemp("run") / "out"
    readers = [colour_reader("fp32"), colour_reader("int8")]
    return film(trio(), readers, FilmOptions(feed=feed(clips=8, frames=3), out=out, key_frames=4))


def test_a_painted_sign_persists_and_the_control_holds(run: CameraResult) -> None:
    assert [verdict.finding for verdict in run.claimed] == ["persists", "persists"]
    assert run.exit_code == 0
    assert "adversarial misread by fp32 in 24/24 (100.0 %" in run.sentence
    assert "clean read right by int8 in 24/24" in run.sentence


def test_every_frame_is_accounted_for(run: CameraResult) -> None:
    assert run.frames == 8 * 3 * 6
    assert run.located == 8 * 3 * 3
    assert run.health.dropped == 0
    assert run.ended == "source"
    assert {(one.exhibit, one.build, one.crop) for one in run.summaries} == {
        (name, build, crop)
        for name in ("clean", "adversarial", "placebo")
        for build in ("fp32", "int8")
        for crop in ("raw", "rectified")
    }
    assert all((one.clips, one.measured, one.captured) == (8, 24, 24) for one in run.summaries)


def test_the_log_holds_a_line_for_every_frame(run: CameraResult) -> None:
    assert run.folder is not None
    lines = [json.loads(line) for line in (run.folder / "frames.jsonl").read_text().splitlines()]
    frames = [line for line in lines if line["event"] == "frame"]
    assert [line["index"] for line in frames] == list(range(run.frames))
    assert lines[-1] == {"event": "end", "reason": "source", "frames": run.frames}
    wrong = [
        line
        for line in frames
        if line["arm"] == "adversarial"
        for readout in line["readouts"]
        if (readout["build"], readout["crop"]) == ("fp32", "raw") and readout["label"] == "green"
    ]
    assert len(wrong) == 24
    assert all(line["readouts"] == [] and line["clip"] is None for line in frames if not line["located"])


def test_the_summary_is_a_document_of_its_kind(run: CameraResult) -> None:
    assert run.folder is not None
    document = read_json(run.folder / "summary.json", kind=KIND)
    assert document["sentence"] == run.sentence
    assert document["verdicts"][0]["finding"] == "persists"
    assert len(document["key_frames"]) == len(run.key_frames)


def test_key_frames_are_spread_and_lie_beside_the_summary(run: CameraResult) -> None:
    assert run.folder is not None
    by_exhibit: dict[str, list[int]] = {}
    for frame in run.key_frames:
        by_exhibit.setdefault(frame.exhibit, []).append(frame.index)
        assert frame.file is not None
        assert (read_image(run.folder / frame.file) == frame.image).all()
        assert {readout.build for readout in frame.readouts} == {"fp32", "int8"}
        middle = frame.image[frame.image.shape[0] // 2, frame.image.shape[1] // 2]
        assert middle.argmax() == (1 if frame.arm == "adversarial" else 0)
    assert {name: len(indices) for name, indices in by_exhibit.items()} == dict.fromkeys(
        ("clean", "adversarial", "placebo"), 4
    )
    assert all(indices == sorted(indices) and np.ptp(indices) > run.frames / 2 for indices in by_exhibit.values())


def test_a_clean_sign_misread_is_an_invalid_control() -> None:
    exhibits = [exhibit(0, GREEN, "clean"), exhibit(1, GREEN, "adversarial")]
    result = film(exhibits, [colour_reader()], FilmOptions(feed=feed(clips=5)))
    assert [verdict.finding for verdict in result.claimed] == ["invalid-control"]
    assert result.exit_code == 1


def test_a_change_that_dies_on_the_way_does_not_persist() -> None:
    result = film(trio(changed=(195, 65, 65)), [colour_reader()], FilmOptions(feed=feed(clips=8), claim="rectified"))
    assert [(one.finding, one.crop) for one in result.claimed] == [("does-not-persist", "rectified")]
    assert result.exit_code == 0
    assert "does not persist" in result.sentence


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        seen: list[Observation] = []
        film(trio(), [colour_reader()], FilmOptions(feed=feed(clips=1)), on_frame=seen.append)
        runs.append([str(observation.record()) for observation in seen])
    assert runs[0] == runs[1]


class Impatient:
    """A view that asks for something after some frames."""

    def __init__(self, commands: dict[int, Command]) -> None:
        self.commands, self.shown = commands, 0

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        self.shown += 1
        assert tally.frames == self.shown
        return self.commands.get(self.shown)

    def close(self) -> None:
        pass


def test_q_ends_the_run_with_log_and_summary(tmp_path: Path) -> None:
    view = Impatient({7: Command(quit=True)})
    result = film(trio(), [colour_reader()], FilmOptions(feed=feed(), out=tmp_path / "out"), view=view)
    assert (result.frames, result.ended) == (7, "quit")
    assert (tmp_path / "out" / "summary.json").is_file()
    assert len((tmp_path / "out" / "frames.jsonl").read_text().splitlines()) == 8


def test_ctrl_c_ends_the_run_with_log_and_summary(tmp_path: Path) -> None:
    def interrupt(observation: Observation) -> None:
        if observation.frame.index == 5:
            raise KeyboardInterrupt

    result = film(trio(), [colour_reader()], FilmOptions(feed=feed(), out=tmp_path / "out"), on_frame=interrupt)
    assert (result.frames, result.ended, result.exit_code) == (6, "interrupted", 130)
    assert read_json(tmp_path / "out" / "summary.json", kind=KIND)["ended"] == "interrupted"


def test_keys_name_the_arm_where_there_are_no_markers(tmp_path: Path) -> None:
    for number in range(12):
        write_png(tmp_path / f"{number:02d}.png", flat(RED if number < 6 else GREEN, 64))
    view = Impatient({6: Command(arm="adversarial")})
    options = FilmOptions(source=str(tmp_path), locate="frame", expect="red")
    result = film([], [colour_reader()], options, view=view)
    counts = {one.arm: (one.misread.hits, one.measured, one.clips) for one in result.summaries}
    assert counts == {"clean": (0, 6, 1), "adversarial": (6, 6, 1)}


def test_the_time_is_the_sources_time(tmp_path: Path) -> None:
    for number in range(60):
        write_png(tmp_path / f"{number:02d}.png", flat(RED, 16))
    options = FilmOptions(source=str(tmp_path), locate="frame", seconds=1.0)
    result = film([], [colour_reader()], options)
    assert (result.frames, result.ended) == (31, "time")
    assert result.seconds == pytest.approx(1.0)


@pytest.mark.parametrize(("expect", "code"), [("red", 0), ("green", 1), (None, 0)])
def test_an_expected_label_decides_the_exit_code(tmp_path: Path, expect: str | None, code: int) -> None:
    for number in range(4):
        write_png(tmp_path / f"{number}.png", flat(RED, 32))
    result = film([], [colour_reader()], FilmOptions(source=str(tmp_path), locate="frame", expect=expect))
    assert result.exit_code == code
    assert ("right by fp32" if expect else "fp32 read red 4") in result.sentence


def test_folders_are_clips(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").mkdir()
        for frame in range(2):
            write_png(tmp_path / f"{number}" / f"{frame}.png", flat(RED, 32))
    result = film([], [colour_reader()], FilmOptions(source=str(tmp_path), locate="frame", expect="red"))
    assert result.summaries[0].clips == 6
    assert result.summaries[0].misread.high is not None


def test_nothing_found_is_said(tmp_path: Path) -> None:
    write_png(tmp_path / "0.png", flat(RED, 64))
    result = film(trio(), [colour_reader()], FilmOptions(source=str(tmp_path)))
    assert "nothing to read was found" in result.sentence
    assert result.exit_code == 1


def test_a_stream_that_stops_leaves_what_was_seen_and_one_sentence(tmp_path: Path) -> None:
    def visit(send, stopped):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for number in range(100, 120):
            send(jpeg(number))
            stopped.wait(0.02)

    quick = SourceOptions(read_timeout_s=1.0, retries=1, backoff_s=0.05)
    with camera(visit) as url:
        options = FilmOptions(source=url, feed=quick, locate="frame", out=tmp_path / "out")
        with pytest.raises(CameraError, match="what was seen until then is in") as caught:
            film([], [colour_reader()], options)
    assert caught.value.exit_code == 4
    document = read_json(tmp_path / "out" / "summary.json", kind=KIND)
    assert document["ended"] == "lost"
    assert document["frames"] > 0


def test_a_gap_is_in_the_log_and_ends_the_clip(tmp_path: Path) -> None:
    def visit(send, stopped):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for number in range(100, 110):
            send(jpeg(number))
            stopped.wait(0.03)

    quick = SourceOptions(read_timeout_s=1.0, retries=1, backoff_s=0.05)
    with camera(visit, visit) as url, pytest.raises(CameraError):
        film([], [colour_reader()], FilmOptions(source=url, feed=quick, locate="frame", out=tmp_path / "out"))
    lines = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines].count("gap") == 1
    assert {line["clip"] for line in lines if line["event"] == "frame"} == {0, 1}


def test_nothing_is_left_where_the_source_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CameraError):
        film(trio(), [colour_reader()], FilmOptions(source="device:93", out=tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--overwrite"):
        film(trio(), [colour_reader()], FilmOptions(out=tmp_path))


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(OptionError, match="distinct names"):
        film(trio(), [colour_reader(), colour_reader()])
    with pytest.raises(OptionError, match="got none"):
        film(trio(), [])
    with pytest.raises(OptionError, match="same markers"):
        film([exhibit(1, RED, "clean"), exhibit(1, RED, "placebo")], [colour_reader()])
    with pytest.raises(UnknownName, match="'Red wine'"):
        film([replace(exhibit(1, RED, "clean"), label="Red wine")], [colour_reader()])
    with pytest.raises(UnknownName):
        film([], [colour_reader()], FilmOptions(expect="rde"))


@pytest.mark.parametrize(
    "options",
    [
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"claim": "best"},
        {"claim": "rectified", "locate": "frame"},
        {"key_frames": -1},
    ],
)
def test_options_without_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        FilmOptions(**options)  # type: ignore[arg-type]


def test_progress_counts_up_to_what_is_expected() -> None:
    told: list[tuple[str, int, int]] = []
    film(trio(), [colour_reader()], FilmOptions(feed=feed(clips=1)), progress=lambda *said: told.append(said))
    assert told[-1] == ("camera", 15, 15)


def test_a_prepared_picture_is_not_cropped_once_more() -> None:
    seen: list[tuple[bool, int]] = []
    for prepared in (True, False):
        reader = colour_reader()
        reader.card = replace(reader.card, resize="crop", resize_px=32)
        framed = flat(GREEN, 64)
        framed[18:46, 18:46] = RED  # only a crop to the middle half sees nothing but red
        shown = Exhibit(index=0, name="s", arm="clean", image=framed, label="red", prepared=prepared)
        result = film([shown], [reader], FilmOptions(feed=feed(clips=1)))
        seen.append((prepared, result.summaries[0].misread.hits))
    assert seen == [(True, 2), (False, 0)]
