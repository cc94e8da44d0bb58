"""The lens: planted focal length and distortion come back, and what determines no lens is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pypdfium2
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import InputError, OptionError
from misread.files import read_json
from misread.pixels import write_png
from misread.runtime.calibrate import CHART, LENS_KIND, CalibrateOptions, calibrate, fit_lens, write_chart
from misread.runtime.calibrate import lens as part
from misread.runtime.camera.intrinsics import read_lens

if TYPE_CHECKING:
    from misread.pixels import UInt8

SIZE = (640, 480)
FOCAL, CENTRE, K1 = 610.0, (331.0, 236.0), -0.15
TURNS = [(x, y, z) for x, y, z in [(0, 0, 0), (30, 0, 5), (-30, 5, 0), (5, 30, 0), (0, -30, -5), (25, 25, 10)]] + [
    (-25, 25, 0),
    (25, -25, 0),
    (-20, -25, 15),
    (12, 8, 90),
]


def filmed(turn: tuple[float, float, float], across_mm: float = 0, distance_mm: float = 420) -> UInt8:
    """Film the chart: each pixel's ray, undistorted, meets the chart's plane."""
    matrix = np.array([[FOCAL, 0, CENTRE[0]], [0, FOCAL, CENTRE[1]], [0, 0, 1]])
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pixels = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)[:, None]
    straight = cv2.undistortPoints(pixels, matrix, np.array([K1, 0, 0, 0, 0]))[:, 0]
    rotation, _ = cv2.Rodrigues(np.radians(np.array(turn, np.float64)))
    middle = np.array([CHART.columns, CHART.rows, 0]) * CHART.square_mm / 2
    shift = np.array([across_mm, 0, distance_mm]) - rotation @ middle
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], shift])
    on_chart = np.column_stack([straight, np.ones(len(straight))]) @ np.linalg.inv(plane).T
    px_per_mm = 4
    places = (on_chart[:, :2] / on_chart[:, 2:] * px_per_mm - 0.5).astype(np.float32).reshape(*rows.shape, 2)
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    chart = CHART.draw(round(CHART.columns * CHART.square_mm * px_per_mm))
    frame = cv2.remap(chart, x, y, cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    return np.asarray(cv2.GaussianBlur(frame, (3, 3), 0), np.uint8)


@pytest.fixture(scope="module")
def views() -> list[UInt8]:
    return [filmed(turn, across_mm=60 * (number % 3 - 1), distance_mm=360) for number, turn in enumerate(TURNS)]


def test_a_planted_lens_comes_back(views: list[UInt8], tmp_path: Path) -> None:
    folder = tmp_path / "views"
    folder.mkdir()
    for number, view in enumerate(views):
        write_png(folder / f"{number:02d}.png", view)
    said: list[int] = []
    options = CalibrateOptions(source=str(folder), out=tmp_path / "lens.json")
    fit = calibrate(options, progress=lambda _, done, __: said.append(done))
    assert fit.lens.focal_px == pytest.approx((FOCAL, FOCAL), rel=0.01)
    assert fit.lens.centre_px == pytest.approx(CENTRE, abs=4)
    assert fit.lens.distortion[0] == pytest.approx(K1, abs=0.03)
    assert fit.rms_px < 0.3
    assert (fit.views, fit.frames, said[-1]) == (len(TURNS), len(TURNS), len(TURNS))
    written = read_json(tmp_path / "lens.json", kind=LENS_KIND)
    assert written["focal_px"] == list(fit.lens.focal_px)
    assert (written["width"], written["height"], len(written["distortion"])) == (*SIZE, 5)
    assert read_lens(tmp_path / "lens.json") == fit.lens
    with pytest.raises(InputError, match="--overwrite"):
        calibrate(options)


def test_the_same_view_counts_once(views: list[UInt8]) -> None:
    with pytest.raises(InputError, match="8 different views of the chart, 20 frames show 2"):
        fit_lens([views[0], views[1]] * 10)


def test_no_more_views_than_are_used_are_looked_at(views: list[UInt8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "MAX_VIEWS", 8)
    assert fit_lens(views).frames == 8


def test_views_from_one_direction_tell_no_focal_length() -> None:
    flat = [
        filmed((0, 0, turn), distance_mm=far) for turn, far in zip(range(0, 90, 10), range(400, 760, 40), strict=True)
    ]
    with pytest.raises(InputError, match=r"too similar: \d degrees"):
        fit_lens(flat)


def test_a_bent_chart_is_refused(views: list[UInt8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "MAX_RMS_PX", 0.001)
    with pytest.raises(InputError, match="keep the chart flat"):
        fit_lens(views)


def test_frames_of_two_sizes_and_without_a_chart_are_refused(views: list[UInt8]) -> None:
    with pytest.raises(InputError, match="several sizes"):
        fit_lens([views[0], views[1][:240]])
    with pytest.raises(InputError, match="0 frames show 0"):
        fit_lens([])
    with pytest.raises(InputError, match="1 frames show 0"):
        fit_lens([np.full((64, 64, 3), 128, np.uint8)])


def test_corners_on_one_line_are_no_view() -> None:
    class Lined:
        def detectBoard(self, grey: Any) -> Any:  # noqa: N802
            return np.zeros((12, 1, 2), np.float32), np.arange(12), None, None

    class Board:
        def matchImagePoints(self, corners: Any, ids: Any) -> Any:  # noqa: N802
            return np.zeros((12, 1, 3), np.float32), corners

    assert part._view(np.zeros((8, 8, 3), np.uint8), Board(), Lined(), CHART) is None


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_printed_chart_is_true_and_readable(tmp_path: Path, paper: str) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 comes with misread[sheet]")
    out = tmp_path / "chart.pdf"
    write_chart(out, paper=paper)
    document = pypdfium2.PdfDocument(out)
    page = document[0].render(scale=300 / 72).to_numpy()[..., :3].copy()
    document.close()
    mm = 300 / 25.4
    corners, ids, _, _ = cv2.aruco.CharucoDetector(CHART.board()).detectBoard(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY))
    assert len(ids) == (CHART.columns - 1) * (CHART.rows - 1)
    places = corners.reshape(CHART.rows - 1, CHART.columns - 1, 2) / mm
    assert np.diff(places[..., 0], axis=1) == pytest.approx(25, abs=0.2)
    assert np.diff(places[..., 1], axis=0) == pytest.approx(25, abs=0.2)
    bar = np.flatnonzero(page[round((18 + 225 + 11) * mm)].max(axis=1) < 128)
    assert (bar[-1] - bar[0] + 1) / mm == pytest.approx(100, abs=0.3)


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, views: list[UInt8]) -> None:
    run, chart = CliRunner(), tmp_path / "chart.png"
    outcome = run.invoke(cli.app, ["calibrate", "--chart", str(chart)])
    assert outcome.exit_code == 0
    assert "misread calibrate SOURCE" in outcome.output
    shown = cv2.imread(str(chart))
    assert shown is not None
    assert shown.shape == (297 * 6, 210 * 6, 3)
    assert run.invoke(cli.app, ["calibrate"]).exit_code == 2
    assert run.invoke(cli.app, ["calibrate", "x", "--chart", "y.pdf"]).exit_code == 2
    with pytest.raises(OptionError, match=r"\.pdf or \.png"):
        write_chart(tmp_path / "chart.gif")
    with pytest.raises(OptionError, match="1 or more"):
        CalibrateOptions(source="x", out=chart, frames=0)
    given: list[CalibrateOptions] = []

    def call(options: CalibrateOptions, **_: Any) -> Any:
        given.append(options)
        return fit_lens(views)

    monkeypatch.setattr("misread.runtime.calibrate.calibrate", call)
    outcome = run.invoke(cli.app, ["calibrate", "device:1", "-o", "l.json", "--frames", "50", "--overwrite"])
    assert given == [CalibrateOptions(source="device:1", out=Path("l.json"), frames=50, overwrite=True)]
    assert "at 640x480" in outcome.output
    assert outcome.exit_code == 0
    told = json.loads(run.invoke(cli.app, ["calibrate", "device:1", "--json"]).stdout)
    assert (told["kind"], told["lens"]["width"]) == ("misread-lens-fit", 640)
