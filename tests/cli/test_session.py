"""The options that say how builds are run: argv becomes `SessionOptions`, on every command that opens builds."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.runtime.session import CPU, SessionOptions

AZURE = "AzureExecutionProvider"
COMMANDS = {
    "verify": ("misread.runtime.verify.verify", ["verify", "b", "-m", "x.onnx"]),
    "camera": ("misread.runtime.camera.run.run_camera", ["camera", "-m", "x.onnx", "--headless"]),
    "export": ("misread.export.run.export_builds", ["export", "signs", "-o", "x.onnx"]),
    "quantize": ("misread.export.quantize.run.quantize", ["quantize", "x.onnx", "-o", "y.onnx"]),
}
HOST = {"export", "quantize"}


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work, with the options it was called with."""


@pytest.fixture(params=list(COMMANDS))
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    where, argv = COMMANDS[request.param]
    if request.param in HOST:
        pytest.importorskip("torch")

    def ask(*more: str) -> Any:
        def call(options: Any, **_: Any) -> Any:
            raise Called(options)

        monkeypatch.setattr(where, call)
        result = CliRunner().invoke(cli.app, [*argv, *more])
        assert isinstance(result.exception, Called), result.output
        return result.exception.args[0].session

    return ask


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        ((), {}),
        (("--threads", "3"), {"threads": 3}),
        (("--level", "extended", "--spinning"), {"level": "extended", "spinning": True}),
        (("--provider", "azure", "--provider", CPU), {"providers": (AZURE, CPU)}),
        (
            ("--provider", AZURE, "--provider-option", "a=b", "--provider-option", "azure:c=d"),
            {"providers": (AZURE,), "provider_options": ((AZURE, "a", "b"), (AZURE, "c", "d"))},
        ),
        (("--session", "arena=off", "--session", "exact-int8=on"), {"arena": False, "exact_int8": True}),
    ],
)
def test_a_command_passes_its_session_on(session: Any, argv: tuple[str, ...], options: dict[str, Any]) -> None:
    assert session(*argv) == SessionOptions(**options)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--provider", "cuda"), "has no CUDAExecutionProvider"),
        (("--level", "most"), "unknown optimisation level 'most'; known: disable, basic"),
        (("--session", "arena=maybe"), "on or off, as in arena=on"),
        (("--threads", "-1"), "threads must be from 0"),
    ],
)
def test_what_makes_no_sense_is_a_sentence_and_2(
    capsys: pytest.CaptureFixture[str], command: str, argv: tuple[str, ...], words: str
) -> None:
    if command in HOST:
        pytest.importorskip("torch")
    with pytest.raises(SystemExit) as stop:
        cli.app([*COMMANDS[command][1], *argv])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err
