"""`misread camera`: what is counted besides frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.runtime.camera.count import Counting
from misread.runtime.camera.votes import Vote

if TYPE_CHECKING:
    from misread.runtime.camera.run import CameraOptions


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work."""


def options_of(monkeypatch: pytest.MonkeyPatch, *more: str) -> CameraOptions:
    given: list[CameraOptions] = []

    def call(options: CameraOptions, **_: Any) -> Any:
        given.append(options)
        raise Called

    monkeypatch.setattr("misread.runtime.camera.run.run_camera", call)
    outcome = CliRunner().invoke(cli.app, ["camera", "-m", "x.onnx", *more])
    assert isinstance(outcome.exception, Called), outcome.output
    return given[0]


def test_runs_and_votes_come_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options_of(monkeypatch).counting == Counting()
    given = options_of(monkeypatch, "--run", "5", "--vote", "2/3", "--vote", "6/9")
    assert given.counting == Counting(run=5, votes=(Vote(needed=2, of=3), Vote(needed=6, of=9)))
    assert options_of(monkeypatch, "--run", "2").counting == Counting(run=2)


@pytest.mark.parametrize("wrong", [["--vote", "5"], ["--vote", "2/4"], ["--run", "0"]])
def test_rules_without_sense_are_input_errors(wrong: list[str]) -> None:
    assert CliRunner().invoke(cli.app, ["camera", "-m", "x.onnx", *wrong]).exit_code == 2
