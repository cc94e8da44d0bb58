"""The options of `misread camera` that speak of distance and angle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import FileError
from misread.files import write_json
from misread.runtime.camera.grid import Grid
from misread.runtime.camera.guide import GuideRules
from misread.runtime.camera.intrinsics import KIND, Intrinsics, read_lens
from misread.runtime.camera.run import CameraOptions, _feed, _gauge

ARGV = ["camera", "-m", "x.onnx", "--headless"]
LENS = Intrinsics(width=640, height=480, focal_px=(600.0, 610.0), centre_px=(321.0, 239.0))


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work, with the options it was called with."""


def options(monkeypatch: pytest.MonkeyPatch, *more: str) -> Any:
    def call(options: Any, **_: Any) -> Any:
        raise Called(options)

    monkeypatch.setattr("misread.runtime.camera.run.run_camera", call)
    result = CliRunner().invoke(cli.app, [*ARGV, *more])
    assert isinstance(result.exception, Called), result.output
    return result.exception.args[0]


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        ((), "guide", None),
        (("--guided",), "guide", GuideRules()),
        (
            ("--guided", "--distances", "1,2.5", "--angles", "0,45", "--cell-frames", "3"),
            "guide",
            GuideRules(grid=Grid(distances_m=(1, 2.5), angles_deg=(0, 45)), frames=3),
        ),
        (("--guided", "--cell-clips", "5"), "guide", GuideRules(clips=5)),
        (("--guided", "--cell-clips", "8"), "guide", GuideRules(frames=8, clips=8)),
        (("--lens", "lens.json"), "lens", Path("lens.json")),
        (("--board-mm", "180"), "board_mm", 180.0),
    ],
)
def test_argv_becomes_options(monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], field: str, value: Any) -> None:
    assert getattr(options(monkeypatch, *argv), field) == value


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--distances", "1,2"), "add --guided"),
        (("--cell-frames", "3"), "add --guided"),
        (("--cell-clips", "3"), "add --guided"),
        (("--guided", "--cell-frames", "2", "--cell-clips", "3"), "at most as many clips"),
        (("--guided", "--distances", "2,1"), "rising edges"),
        (("--guided", "--cell-frames", "0"), "a cell takes"),
    ],
)
def test_cells_without_sense_end_with_usage(argv: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(cli.app, [*ARGV, *argv])
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())


def test_the_virtual_camera_goes_round_the_cells() -> None:
    guide = GuideRules()
    script = _feed(CameraOptions(builds=(Path("x"),), guide=guide, headless=True)).script
    assert script is not None
    assert script.stations == tuple(guide.grid.ranges(cell) for cell in guide.grid.cells)
    assert script.clips >= 2 * len(script.stations)
    assert _feed(CameraOptions(builds=(Path("x"),), guide=guide, source="device:0")).script.stations == ()  # type: ignore[union-attr]


def test_a_lens_is_read_back_and_measures_with_the_board(tmp_path: Path) -> None:
    path = tmp_path / "lens.json"
    write_json(path, LENS, kind=KIND)
    assert read_lens(path) == LENS
    gauge = _gauge(CameraOptions(builds=(Path("x"),), lens=path, board_mm=180.0))
    assert gauge is not None
    assert (gauge.lens, gauge.board_m) == (LENS, 0.18)
    assert _gauge(CameraOptions(builds=(Path("x"),))) is None


@pytest.mark.parametrize(
    "broken", [{"width": 640}, {"width": 640, "height": 480, "focal_px": [1.0]}, {"width": "wide"}]
)
def test_a_file_that_is_no_lens_is_refused(tmp_path: Path, broken: dict[str, Any]) -> None:
    path = tmp_path / "lens.json"
    write_json(path, broken, kind=KIND)
    with pytest.raises(FileError, match="is not a lens"):
        read_lens(path)
    with pytest.raises(FileError):
        read_lens(tmp_path / "none.json")
