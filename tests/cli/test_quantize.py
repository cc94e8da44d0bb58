"""`misread quantize` and the precisions of `misread export`: argv becomes exactly one library call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.cards.facts import CardFacts
from misread.runtime.session import SessionOptions

pytest.importorskip("torch")

from misread.export.quantize.options import StaticOptions
from misread.export.quantize.run import QuantizeOptions
from misread.export.run import ExportOptions
from tests.export.quantize import plants
from tests.export.quantize.test_run import write_pictures

SETTINGS = ["--method", "entropy", "--no-per-channel", "--symmetric", "--target", "arm64"]
MEASURED = ["--data", "d.csv", "--limit", "9", "--max-drop", "0.5", "--calibration-data", "c"]
FORMS = ["--static-twin", "--ort", "--seed", "3", "--overwrite", "--calibration-pictures", "50"]
CHOSEN = StaticOptions(method="entropy", per_channel=False, symmetric=True, target="arm64")


class Called(Exception):  # noqa: N818
    """Thrown in place of the work."""


def options_of(monkeypatch: pytest.MonkeyPatch, where: str, argv: list[str]) -> Any:
    def call(options: Any, **_: Any) -> Any:
        raise Called(options)

    monkeypatch.setattr(where, call)
    result = CliRunner().invoke(cli.app, argv)
    assert isinstance(result.exception, Called), result.output
    return result.exception.args[0]


def test_quantize_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    where = "misread.export.quantize.run.quantize"
    plain = options_of(monkeypatch, where, ["quantize", "m.onnx", "-o", "q.onnx"])
    assert plain == QuantizeOptions(model=Path("m.onnx"), out=Path("q.onnx"))
    (tmp_path / "labels.txt").write_text("a\nb\n", encoding="utf-8")
    card = ["--labels", str(tmp_path / "labels.txt"), "--size", "8", "--colour", "bgr", "--scale", "1"]
    argv = [
        "quantize",
        "m.onnx",
        "-o",
        "q.onnx",
        *SETTINGS,
        *MEASURED,
        *FORMS,
        *card,
        "--threads",
        "1",
        "--level",
        "extended",
    ]
    assert options_of(monkeypatch, where, argv) == QuantizeOptions(
        model=Path("m.onnx"),
        out=Path("q.onnx"),
        card=CardFacts(labels=("a", "b"), size_hw=(8, 8), colour="bgr", scale=1.0),
        int8=CHOSEN,
        calibration_data=Path("c"),
        calibration_pictures=50,
        data=Path("d.csv"),
        limit=9,
        max_drop=0.5,
        static_twin=True,
        ort_format=True,
        session=SessionOptions(threads=1, level="extended"),
        seed=3,
        overwrite=True,
    )
    argv = ["quantize", "m.onnx", "-o", "q.onnx", "--precision", "int8-dynamic", "--per-channel", "--no-symmetric"]
    other = options_of(monkeypatch, where, argv)
    assert other.precision == "int8-dynamic"
    assert other.int8 == StaticOptions(per_channel=True, symmetric=False)


def test_export_takes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["export", "signs", "-o", "a.onnx", "--precision", "int8", *SETTINGS, *MEASURED, *FORMS]
    assert options_of(monkeypatch, "misread.export.run.export_builds", argv) == ExportOptions(
        origin="signs",
        out=Path("a.onnx"),
        precisions=("int8",),
        int8=CHOSEN,
        calibration_data=Path("c"),
        calibration_pictures=50,
        data=Path("d.csv"),
        limit=9,
        max_drop=0.5,
        static_twin=True,
        ort_format=True,
        seed=3,
        overwrite=True,
    )


def test_a_file_is_quantised_from_end_to_end(tmp_path: Path) -> None:
    source, out = plants.planted(tmp_path / "net.onnx", "weight"), tmp_path / "int8.onnx"
    calibration, measured = write_pictures(tmp_path / "c", 30, 1), write_pictures(tmp_path / "d", 30, 2)
    argv = ["quantize", str(source), "-o", str(out), "--calibration-data", str(calibration), "--data", str(measured)]
    argv += ["--no-per-channel", "--method", "minmax", "--max-drop", "4", "--json"]
    result = CliRunner().invoke(cli.app, argv)
    assert (result.exit_code, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    made = said["build"]["made"]
    assert said["kind"] == "misread-quantization"
    assert [layer["node"] for layer in made["kept_float"]] == ["broken"]
    assert made["cost"]["build"]["hits"] == made["cost"]["float32"]["hits"] == 30
    assert made["trials"][0]["cost"]["drop"] > 30
    again = CliRunner().invoke(cli.app, argv)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "exists already" in again.stderr


def test_a_budget_that_cannot_be_met_ends_with_1(tmp_path: Path) -> None:
    source, out = plants.alone(tmp_path / "net.onnx"), tmp_path / "int8.onnx"
    calibration, measured = write_pictures(tmp_path / "c", 30, 1), write_pictures(tmp_path / "d", 30, 2)
    argv = ["quantize", str(source), "-o", str(out), "--calibration-data", str(calibration), "--data", str(measured)]
    result = CliRunner().invoke(cli.app, [*argv, "--max-drop", "1", "--method", "minmax"])
    assert result.exit_code == 1
    assert "cannot be made of this model within 1 points" in result.stderr
    assert not out.exists()
