"""Which test channel the rig films through: chosen by name on both commands, drawn once for each take, and logged."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread.cli.app import app
from misread.errors import FileError, UnknownName
from misread.runtime.board import Exhibit
from misread.runtime.camera import CameraOptions, run_camera
from misread.runtime.channel import named_profile
from misread.runtime.channel.profile_file import write_profile
from misread.runtime.rig import Camera, Film, Script, plan
from misread.runtime.rig.script import take_channel
from misread.runtime.rig.serve import RigOptions
from misread.runtime.source import SourceOptions, open_source
from tests.runtime.planted import COLOURS, MEANS

EXHIBIT = Exhibit(index=0, name="a", arm="clean", image=np.full((16, 16, 3), 180, np.uint8), label="Stop")


@pytest.mark.parametrize("name", ["webcam-indoor", "phone-print", "screen", "dashcam"])
def test_a_take_films_as_its_log_says(name: str) -> None:
    script = Script(clips=2, frames_per_clip=1, blank_frames=0, profile=named_profile(name))
    one, other = (take_channel(script, take).log() for take in range(2))
    assert one != other
    assert one["profile"] == f"{name}-1"
    shots = plan(script, 1)
    film = Film(script, [EXHIBIT], Camera(width=160, height=90, focal_px=130))
    pictures = [film.render(shot) for shot in (*shots, *reversed(shots))]
    assert (pictures[0] == pictures[3]).all()
    assert pictures[0].shape == (90, 160, 3)


@pytest.mark.parametrize("name", ["webcam-indoor", "phone-print", "screen", "dashcam"])
def test_it_is_filmed_while_a_reader_in_this_process_opens_it(name: str) -> None:
    """OpenCV holds a lock while it opens a stream; a stage that wants it would wait for ever."""
    script = Script(clips=1, frames_per_clip=2, blank_frames=1, profile=named_profile(name))
    source = open_source("virtual", SourceOptions(exhibits=(EXHIBIT,), script=script))
    with closing(source):
        assert len(list(source.frames())) == 3


def test_a_run_records_what_its_takes_drew(tmp_path: Path) -> None:
    build = tmp_path / "colours.onnx"
    build.write_bytes(MEANS)
    card = replace(COLOURS, labels=("Stop", "Yield", "x"))
    options = CameraOptions(
        builds=(build,), card=card, headless=True, clips=2, frames_per_clip=1, profile="screen", out=tmp_path / "out"
    )
    run_camera(options)
    lines = [json.loads(line) for line in (tmp_path / "out" / "channel.jsonl").read_text().splitlines()]
    assert [line["take"] for line in lines] == [0, 1]
    assert {line["profile"] for line in lines} == {"screen-1"}
    assert list(lines[0]["stages"]) == ["display", "light", "defocus", "sensor", "denoise"]


def test_a_calibrated_profile_is_filmed_with(tmp_path: Path) -> None:
    """What calibrate writes is what the rig and the virtual camera draw from."""
    path, build = tmp_path / "mine.json", tmp_path / "colours.onnx"
    build.write_bytes(MEANS)
    mine = replace(named_profile("webcam-indoor"), name="mine-1", gain=(0.5, 0.5), electrons=(700, 700))
    write_profile(path, mine, measured={})
    drawn = take_channel(RigOptions(profile=str(path)).film, 0).log()
    assert (drawn["profile"], drawn["stages"]["light"]["gain"]) == ("mine-1", 0.5)
    card = replace(COLOURS, labels=("Stop", "Yield", "x"))
    out = tmp_path / "out"
    run_camera(
        CameraOptions(builds=(build,), card=card, headless=True, clips=1, frames_per_clip=1, profile=str(path), out=out)
    )
    (line,) = (out / "channel.jsonl").read_text().splitlines()
    assert json.loads(line)["profile"] == "mine-1"
    path.write_text("{}")
    with pytest.raises(FileError, match="mine"):
        RigOptions(profile=str(path))


def test_an_unknown_profile_is_refused_by_both(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'screen-1'"):
        RigOptions(profile="sreen", seconds=0.1)
    build = tmp_path / "colours.onnx"
    build.write_bytes(MEANS)
    with pytest.raises(UnknownName, match="camera profile"):
        run_camera(CameraOptions(builds=(build,), card=COLOURS, headless=True, source="frame.png", profile="sreen"))


def test_both_commands_pass_the_profile_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def keep(options: Any) -> None:
        given.append(options.profile)
        raise KeyboardInterrupt

    monkeypatch.setattr("misread.runtime.rig.serve.serve", lambda _, options, **__: keep(options))
    monkeypatch.setattr("misread.bundle.read_bundle", lambda _: None)
    monkeypatch.setattr("misread.runtime.camera.subject.exhibits_of", lambda *_: [EXHIBIT])
    monkeypatch.setattr("misread.runtime.camera.run.run_camera", lambda options, **_: keep(options))
    for argv in (["rig", "b"], ["camera", "-m", "x.onnx"]):
        for more in ([], ["--profile", "dashcam"]):
            CliRunner().invoke(app, [*argv, *more])
    assert given == [None, "dashcam", "webcam-outdoor-1", "dashcam"]
