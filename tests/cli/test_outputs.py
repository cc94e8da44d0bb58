"""`misread verify` and its output files: what is typed is what is written, whatever the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.report.outputs import FORMATS
from tests.runtime.planted import COLOURS, MEANS, bundle_of, flat

FLAGS = [part for form in FORMATS for part in (f"--{form.name}", f"{form.name}.out")]


@pytest.fixture
def argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a call that verifies one misread witness on one build, in an empty folder."""
    (tmp_path / "means.onnx").write_bytes(MEANS)
    red, green = (flat(200) * np.array(colour, np.uint8) for colour in ((1, 0, 0), (0, 1, 0)))
    folder = bundle_of(tmp_path / "b", [(red, green)], card=COLOURS, label="red").folder
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return ["--no-trial", "verify", str(folder), "-m", str(tmp_path / "means.onnx")]


def run(argv: list[str]) -> Any:
    return CliRunner().invoke(cli.app, argv)


def test_every_file_is_written_where_a_gate_closes_too(argv: list[str]) -> None:
    result = run([*argv, "--max-flips", "0", *FLAGS, "--junit-witnesses"])
    assert result.exit_code == 1
    assert "at most 0 allowed" in result.output
    assert sorted(path.name for path in Path.cwd().iterdir()) == sorted(FLAGS[1::2])
    assert 'failures="2"' in Path("junit.out").read_text()


def test_without_options_no_file_is_written(argv: list[str]) -> None:
    assert run(argv).exit_code == 0
    assert list(Path.cwd().iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    argv: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("misread.runtime.verify.verify", never)
    result = run([*argv, "--junit", "."])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert run([*argv, "--junit-witnesses"]).exit_code == 2


def test_a_write_that_fails_is_one_sentence(argv: list[str]) -> None:
    Path("file").write_text("in the way")
    result = run([*argv, "--junit", "file/a.xml"])
    assert (result.exit_code, result.output.count("\n")) == (4, 1)
    assert result.output.startswith("misread: cannot write file/a.xml")
