"""`misread camera --no-lock`: from the command line to the device that is opened."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.runtime.camera.run import CameraOptions, _feed
from misread.runtime.source import Lock


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work, with the options it was called with."""


@pytest.mark.parametrize(("more", "lock"), [([], Lock()), (["--no-lock"], None)])
def test_a_camera_is_held_unless_one_says_no(
    more: list[str], lock: Lock | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(options: CameraOptions, **_: Any) -> Any:
        raise Called(options)

    monkeypatch.setattr("misread.runtime.camera.run.run_camera", call)
    result = CliRunner().invoke(cli.app, ["camera", "-m", "x.onnx", "--source", "device:0", "--headless", *more])
    assert isinstance(result.exception, Called), result.output
    options = result.exception.args[0]
    assert options.feed.lock == lock
    assert _feed(options).lock == lock
