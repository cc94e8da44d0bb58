"""`misread camera` as a call: real ONNX files in onnxruntime, a bundle on disk, the virtual camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from misread.bundle import BundleWriter
from misread.errors import CameraError, FileError, InputError, OptionError, UnknownName
from misread.files import jsonable, read_json, sha256_file
from misread.pixels import write_png
from misread.runtime.camera import CameraOptions, exhibits_of, run_camera
from misread.runtime.camera.run import _fitting
from misread.wish import UNTARGETED, Wish
from tests.runtime.camera.scenes import GREEN, RED, flat
from tests.runtime.planted import COLOURS, MEANS


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A classifier that reads the strongest of red, green and blue."""
    path = tmp_path / "colours.onnx"
    path.write_bytes(MEANS)
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two witnesses of one clean picture; the first was painted, the second hardly changed."""
    writer = BundleWriter(tmp_path / "bundle")
    common: dict[str, Any] = {
        "clean": flat(RED, 8),
        "label": "red",
        "label_given": True,
        "prepared": True,
        "torch_float": True,
        "torch_8bit": True,
        "source": "red.png",
    }
    writer.add(changed=flat(GREEN, 8), placebo=flat((190, 70, 70), 8), goal=Wish.of(["green"]), **common)
    writer.add(changed=flat((198, 62, 62), 8), goal=UNTARGETED, **common)
    writer.finish(card=COLOURS, origin="test", threat={}, attack={}, counts={})
    return tmp_path / "bundle"


def options(build: Path, **more: Any) -> CameraOptions:
    return CameraOptions(builds=(build,), card=COLOURS, headless=True, **more)


def test_a_bundle_is_filmed_and_judged(build: Path, bundle: Path, tmp_path: Path) -> None:
    result = run_camera(options(build, bundle=bundle, clips=7, frames_per_clip=2, out=tmp_path / "out"))
    assert {verdict.exhibit: verdict.finding for verdict in result.claimed} == {
        "0000": "persists",
        "0001": "inconclusive" if result.claimed[1].misread.high >= 0.5 else "does-not-persist",  # type: ignore[operator]
    }
    assert {one.exhibit for one in result.summaries} == {"0000 clean", "0000", "0000 placebo", "0001"}
    targeted = {one.exhibit: one.targeted for one in result.summaries}
    assert targeted["0000"] is not None
    assert targeted["0000"].hits == 14
    assert targeted["0001"] is None
    assert (tmp_path / "out" / "frames.jsonl").is_file()
    written = read_json(tmp_path / "out" / "summary.json", kind="misread-camera", schema=1)
    assert written["card_from"] == {"colours.onnx": ["flags"]}
    (ran,) = written["fingerprints"].items()
    assert ran == ("colours.onnx", jsonable(result.fingerprints["colours.onnx"]))
    assert ran[1]["model_sha256"] == sha256_file(build)


def test_witnesses_that_share_their_clean_picture_share_its_control(bundle: Path) -> None:
    from misread.bundle import read_bundle

    exhibits = exhibits_of(read_bundle(bundle))
    assert [(one.index, one.arm, one.group) for one in exhibits] == [
        (0, "clean", "0000"),
        (1, "adversarial", "0000"),
        (2, "placebo", "0000"),
        (3, "adversarial", "0000"),
    ]
    assert all(one.prepared for one in exhibits)
    assert [one.name for one in exhibits_of(read_bundle(bundle), ["0001"])] == ["0001 clean", "0001"]
    with pytest.raises(FileError, match="no witness 'x'"):
        exhibits_of(read_bundle(bundle), ["x"])


def test_more_witnesses_than_markers(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path / "many")
    for level in range(10):
        writer.add(
            clean=flat((200, level, 0), 8),
            changed=flat(GREEN, 8),
            label="red",
            label_given=True,
            goal=UNTARGETED,
            prepared=False,
            torch_float=True,
            torch_8bit=True,
            source="x",
        )
    found = writer.finish(card=COLOURS, origin="test", threat={}, attack={}, counts={})
    assert len(exhibits_of(found)) == 12
    with pytest.raises(OptionError, match="name fewer"):
        exhibits_of(found, [witness.id for witness in found.witnesses])


def test_an_empty_bundle_shows_nothing(tmp_path: Path) -> None:
    found = BundleWriter(tmp_path).finish(card=COLOURS, origin="test", threat={}, attack={}, counts={})
    with pytest.raises(OptionError, match="no witness to show"):
        exhibits_of(found)


def test_a_folder_of_pictures_with_an_expected_label(build: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "pictures" / "0.png", flat(RED, 32))
    result = run_camera(options(build, source=str(tmp_path / "pictures"), expect="red"))
    assert (result.exit_code, result.summaries[0].right) == (0, 1.0)


def test_builds_of_one_name_are_told_apart_by_their_folders(build: Path, tmp_path: Path) -> None:
    other = tmp_path / "int8" / build.name
    other.parent.mkdir()
    other.write_bytes(MEANS)
    write_png(tmp_path / "pictures" / "0.png", flat(RED, 32))
    asked = CameraOptions(
        builds=(build, other), card=COLOURS, headless=True, source=str(tmp_path / "pictures"), expect="red"
    )
    assert [one.build for one in run_camera(asked).summaries] == [str(build), str(other)]


@pytest.mark.parametrize(
    ("more", "locator"),
    [
        ({}, "fiducials"),
        ({"source": "device:0"}, "centre"),
        ({"source": "http://127.0.0.1:1/x"}, "centre"),
        ({"source": "http://127.0.0.1:1/x", "bundle": Path("b")}, "fiducials"),
        ({"source": __file__}, "frame"),
    ],
)
def test_the_locator_fits_the_source(more: dict[str, Any], locator: str) -> None:
    assert _fitting(CameraOptions(builds=(Path("m.onnx"),), **more)) == locator


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"bundle": Path("nowhere")}, FileError, "nowhere is no bundle"),
        ({"source": "device:93"}, CameraError, "misread doctor"),
        ({"source": "nowhere.mp4"}, InputError, "no source"),
        ({"source": "device:93", "expect": "rde"}, UnknownName, "'red'"),
        ({}, InputError, "--bundle"),  # nothing is drawn for red, green and blue
    ],
)
def test_what_is_not_there_is_one_sentence(
    build: Path, more: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        run_camera(options(build, **more))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"builds": ()}, "-m model.onnx"),
        ({"witness": ("0",)}, "--bundle"),
        ({"bundle": Path("b"), "expect": "red"}, "leave --expect away"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        CameraOptions(**{"builds": (Path("m.onnx"),), **given})


def test_without_a_display_the_way_out_is_named(build: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    write_png(tmp_path / "pictures" / "0.png", flat(RED, 32))
    asked = CameraOptions(builds=(build,), card=COLOURS, source=str(tmp_path / "pictures"), expect="red")
    with pytest.raises(CameraError, match="--headless"):
        run_camera(asked)


def test_a_recording_is_seen_again_as_it_was_filmed(build: Path, tmp_path: Path) -> None:
    card = replace(COLOURS, labels=("Stop", "green", "blue"))
    asked = CameraOptions(
        builds=(build,), card=card, headless=True, clips=1, frames_per_clip=2, out=tmp_path / "run", record=True
    )
    live = run_camera(asked)
    again = run_camera(CameraOptions(builds=(build,), card=card, headless=True, source=f"replay:{tmp_path / 'run'}"))
    assert [(one.exhibit, one.crop) for one in live.summaries] == [("Stop", "raw"), ("Stop", "rectified")]
    assert again.summaries == live.summaries


def test_a_recording_keeps_its_locator_and_label(build: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "pictures" / "0.png", flat(RED, 32))
    first = {"source": str(tmp_path / "pictures"), "expect": "red", "locate": "box:0,0,20,20"}
    live = run_camera(options(build, **first, out=tmp_path / "run", record=True))
    again = run_camera(options(build, source=str(tmp_path / "run")))
    assert (again.summaries, again.exit_code) == (live.summaries, 0)
    assert run_camera(options(build, source=str(tmp_path / "run"), expect="blue")).exit_code == 1
