from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.assets import SceneFile
from misread.bundle import read_bundle
from misread.demo import DemoOptions, DemoResult, Expectation, run_demo, stages
from misread.errors import InputError, OptionError
from misread.report.content import ReportContent
from misread.report.json import result_document
from misread.report.text.demo import demo_text
from misread.runtime.session import Deployed


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"steps": 0}, {"clips": 0}, {"frames_per_clip": 0}])
def test_options_that_show_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        DemoOptions(**wrong)


def test_a_folder_that_exists_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="--overwrite"):
        run_demo(DemoOptions(out=tmp_path / "out"))


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(options: DemoOptions, work: Path, progress: object) -> tuple[Path, ...]:
        (work / "signs.onnx").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "export", half)
    with pytest.raises(KeyboardInterrupt):
        run_demo(DemoOptions(out=tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_run_stopped_before_the_camera_is_a_stopped_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped:
        ended = "interrupted"

    monkeypatch.setattr(stages, "run_camera", lambda *_, **__: Stopped())
    with pytest.raises(KeyboardInterrupt):
        stages.film(DemoOptions(), tmp_path, (tmp_path / "a.onnx",), lambda *_: None)


def test_the_outline_is_the_octagon_in_the_scene() -> None:
    square = ((10.0, 20.0), (110.0, 20.0), (110.0, 120.0), (10.0, 120.0))
    outline = stages.sign_outline(SceneFile(path=Path("x"), label="Stop", corners=square))
    x, y = outline[:, 0], outline[:, 1]
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert area == pytest.approx(8 * np.tan(np.pi / 8) * 48**2, rel=1e-4)
    assert outline.mean(axis=0) == pytest.approx((60, 70), abs=1e-3)


def test_a_result_prints_its_promises_and_leaves_pictures_out_of_json(tmp_path: Path) -> None:
    promises = (
        Expectation(what="it flies", met=True, found="1 m"),
        Expectation(what="it sings", met=False, found="no"),
    )
    result = DemoResult(
        folder=tmp_path,
        report=tmp_path / "report.html",
        sentence="It flew.",
        expectations=promises,
        stages=(("Export", 1.25), ("Report", 0.5)),
        files=(("report", tmp_path / "report.html"),),
        content=ReportContent(title="t", headline="h"),
    )
    printed = demo_text(result)
    assert "as promised: it flies: 1 m" in printed
    assert "NOT as promised: it sings: no" in printed
    assert printed.endswith("It flew.\n")
    document = result_document("misread-demo", result)
    assert (document["exit_code"], document["passed"], document["seconds"]) == (1, False, 1.75)
    assert "content" not in document


@pytest.mark.slow
def test_the_whole_road_makes_files_that_can_be_used_and_owns_up_to_what_failed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    told: list[str] = []
    # Two steps find no change that survives the camera: the demo must say so.
    options = DemoOptions(out=tmp_path / "out", steps=2, clips=5, frames_per_clip=2)
    result = run_demo(options, progress=lambda what, done, total: told.append(what))
    assert sorted(path.name for path in options.out.iterdir()) == [
        "camera",
        "report.html",
        "scenes",
        "signs.onnx",
        "signs_int8.onnx",
        "stop-sign",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    met = {one.what: one.met for one in result.expectations}
    assert met["every build misreads the minimal change, beyond its own noise"]
    assert not met["before the camera the physical change persists on signs_int8.onnx"]
    assert result.exit_code == 1
    page = result.report.read_text(encoding="utf-8")
    assert "Not as promised" in page
    assert str(tmp_path) not in page.replace(str(options.out), "")
    bundle = read_bundle(options.out / "stop-sign")
    reading = Deployed.open(options.out / "signs_int8.onnx").read([bundle.read(bundle.witness("0000").clean)])
    assert reading.labels == ("Stop",)
    assert {name for name, _ in result.stages} <= set(told)
    assert set(result.document()["fingerprints"]) == {"signs.onnx", "signs_int8.onnx"}
