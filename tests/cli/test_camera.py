"""`misread camera`: argv becomes options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.runtime.camera import CameraOptions


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the run."""


@pytest.mark.parametrize(
    ("argv", "given"),
    [
        ((), {}),
        (("-o", "run", "--record"), {"out": Path("run"), "record": True}),
        (("--source", "replay:run"), {"source": "replay:run"}),
    ],
)
def test_argv_becomes_options(argv: tuple[str, ...], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def call(options: CameraOptions, **_: Any) -> None:
        raise Called(options)

    monkeypatch.setattr("misread.runtime.camera.run.run_camera", call)
    result = CliRunner().invoke(cli.app, ["camera", "-m", "x.onnx", "--headless", *argv])
    assert isinstance(result.exception, Called), result.output
    asked = result.exception.args[0]
    assert asked == CameraOptions(
        builds=(Path("x.onnx"),), headless=True, card=asked.card, session=asked.session, **given
    )
