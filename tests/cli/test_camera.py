"""`misread camera`: argv becomes options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.runtime.camera import CameraOptions
from misread.runtime.camera.web import WebOptions


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the run."""


@pytest.mark.parametrize(
    ("argv", "given"),
    [
        ((), {}),
        (("-o", "run", "--record"), {"out": Path("run"), "record": True}),
        (("--serve", "0"), {"serve": WebOptions()}),
        (
            ("--serve", "8123", "--host", "0.0.0.0", "--token", "pass-word"),  # noqa: S104
            {"serve": WebOptions(port=8123, host="0.0.0.0", token="pass-word")},  # noqa: S104, S106
        ),
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


def test_a_token_without_a_page_is_refused() -> None:
    result = CliRunner().invoke(cli.app, ["camera", "-m", "x.onnx", "--token", "pass-word"])
    assert result.exit_code == 2
    assert "--serve PORT" in result.output
