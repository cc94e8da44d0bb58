"""The command line: argv becomes exactly one library call, errors become a sentence and a code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import __version__, cli
from misread.cards.facts import CardFacts
from misread.cli.app import progress
from misread.errors import CameraError, CheckFailed, InputError, MisreadError, MissingExtra
from misread.runtime.camera.run import CameraOptions
from misread.runtime.gates import Gates
from misread.runtime.session import SessionOptions
from misread.runtime.verify import VerifyOptions


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work: the options it was called with."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.options = options


def planted(error: BaseException) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("a\nb\n")
    return path


def options_of(monkeypatch: pytest.MonkeyPatch, where: str, argv: list[str]) -> Any:
    """Run the command line with the library call at `where` replaced; return the options that reached it."""

    def call(options: Any, **_: Any) -> Any:
        raise Called(options)

    monkeypatch.setattr(where, call)
    result = CliRunner().invoke(cli.app, argv)
    assert isinstance(result.exception, Called), result.output
    return result.exception.options


def test_verify_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch, labels: Path) -> None:
    where = "misread.runtime.verify.verify"
    plain = options_of(monkeypatch, where, ["verify", "b", "-m", "x.onnx", "-m", "y.onnx"])
    assert plain == VerifyOptions(bundle=Path("b"), builds=(Path("x.onnx"), Path("y.onnx")))
    flags = ["--labels", str(labels), "--size", "8x9", "--colour", "bgr", "--scale", "1", "--mean", "1,2,3"]
    more = [*flags, "--output", "probabilities", "--threads", "1", "--no-antialias"]
    given = options_of(monkeypatch, where, ["verify", "b", "-m", "x.onnx", *more])
    card = CardFacts(
        labels=("a", "b"),
        size_hw=(8, 9),
        colour="bgr",
        scale=1.0,
        mean=(1.0, 2.0, 3.0),
        output="probabilities",
        antialias=False,
    )
    assert given == VerifyOptions(
        bundle=Path("b"), builds=(Path("x.onnx"),), card=card, session=SessionOptions(threads=1)
    )


def test_verify_passes_its_gates_on(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["verify", "b", "-m", "x.onnx", "--min-robust-accuracy", "0.5", "--min-clean-accuracy", "0.9"]
    given = options_of(
        monkeypatch, "misread.runtime.verify.verify", [*argv, "--max-flips", "3", "--baseline", "r.json"]
    )
    assert given.gates == Gates(min_robust_accuracy=0.5, min_clean_accuracy=0.9, max_flips=3, baseline=Path("r.json"))


def test_camera_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["camera", "-m", "x.onnx", "--source", "device:1", "--expect", "Stop", "--headless", "--seconds", "2.5"]
    given = options_of(
        monkeypatch, "misread.runtime.camera.run.run_camera", [*argv, "--locate", "centre", "--claim", "rectified"]
    )
    assert given == CameraOptions(
        builds=(Path("x.onnx"),),
        source="device:1",
        expect="Stop",
        headless=True,
        seconds=2.5,
        locate="centre",
        claim="rectified",
        session=SessionOptions(),
    )


def test_camera_feeds_a_build_without_a_card_by_the_flags(monkeypatch: pytest.MonkeyPatch, labels: Path) -> None:
    flags = ["--labels", str(labels), "--size", "8", "--resize", "crop", "--resize-px", "9", "--colour", "bgr"]
    more = ["--scale", "1", "--mean", "1,2,3", "--std", "4,5,6", "--output", "probabilities"]
    argv = ["camera", "-m", "x.onnx", *flags, *more, "--interpolation", "area", "--no-antialias"]
    assert options_of(monkeypatch, "misread.runtime.camera.run.run_camera", argv).card == CardFacts(
        labels=("a", "b"),
        size_hw=(8, 8),
        resize="crop",
        resize_px=9,
        colour="bgr",
        scale=1.0,
        mean=(1.0, 2.0, 3.0),
        std=(4.0, 5.0, 6.0),
        output="probabilities",
        interpolation="area",
        antialias=False,
    )


def test_export_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from misread.export.origin import Preparation
    from misread.export.run import ExportOptions

    where = "misread.export.run.export_builds"
    plain = options_of(monkeypatch, where, ["export", "signs", "-o", "a.onnx"])
    assert plain == ExportOptions(origin="signs", out=Path("a.onnx"))
    more = ["--precision", "fp32", "--precision", "int8", "--size", "224", "--resize", "crop", "--resize-px", "256"]
    more += ["--batch", "4", "--opset", "20", "--calibration-data", "d", "--std", "1/2,1/4,1", "--seed", "7"]
    more += ["--weights", "none", "--arg", "num_classes=5", "--arg", "kind=wide", "--trust"]
    given = options_of(monkeypatch, where, ["export", "f.py:g", "-o", "a.onnx", *more, "--overwrite"])
    assert given == ExportOptions(
        origin="f.py:g",
        out=Path("a.onnx"),
        precisions=("fp32", "int8"),
        size_hw=(224, 224),
        preparation=Preparation(resize="crop", resize_px=256, std=(0.5, 0.25, 1.0)),
        batch=4,
        opset=20,
        calibration_data=Path("d"),
        seed=7,
        weights=Path("none"),
        arguments={"num_classes": 5, "kind": "wide"},
        trust=True,
        overwrite=True,
    )


def test_attack_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from misread.attack.options import AttackOptions
    from misread.attack.threat import Threat
    from misread.flags import CardFlags
    from misread.wish import Wish

    where = "misread.attack.run.attack_to_bundle"
    plain = options_of(monkeypatch, where, ["attack", "signs", "-o", "b"])
    assert plain == AttackOptions(origin="signs", out=Path("b"))
    more = ["--attack", "pgd", "--set", "steps=7", "--set", "restarts=2", "--norm", "l2", "--eps", "1/2"]
    more += [
        "--data",
        "d",
        "-m",
        "x.onnx",
        "--target",
        "a",
        "--target",
        "b",
        "--space",
        "file",
        "--limit",
        "3",
        "--seed",
        "5",
    ]
    more += [
        "--passes",
        "9",
        "--seconds",
        "2.5",
        "--device",
        "cuda",
        "--chunk",
        "4",
        "--resume",
        "--colour",
        "bgr",
        "--scale",
        "1",
    ]
    more += ["--bfloat16", "--trust", "--arg", "classes=3", "--transfer", "di,ti", "--ensemble", "h.py:g"]
    given = options_of(monkeypatch, where, ["attack", "f.py:g", "-o", "b", *more, "--labels", "none", "--size", "8"])
    assert given == AttackOptions(
        origin="f.py:g",
        out=Path("b"),
        data=Path("d"),
        attack="pgd",
        settings={"steps": 7, "restarts": 2},
        threat=Threat(norm="l2", eps=0.5),
        builds=(Path("x.onnx"),),
        wish=Wish.of(["a", "b"]),
        space="file",
        limit=3,
        seed=5,
        passes=9,
        seconds=2.5,
        device="cuda",
        chunk=4,
        resume=True,
        bfloat16=True,
        trust=True,
        arguments={"classes": 3},
        transfer="di,ti",
        ensemble=("h.py:g",),
        flags=CardFlags(labels=Path("none"), size="8", colour="bgr", scale="1"),
    )


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (CheckFailed("the check said no"), 1, "misread: the check said no"),
        (InputError("wrong \x1b[2J input"), 2, r"misread: wrong \x1b[2J input"),
        (MissingExtra.of("torch", extra="attack"), 3, "pip install 'misread[attack]'"),
        (CameraError("no frames"), 4, "misread: no frames"),
        (KeyboardInterrupt(), 130, "misread: stopped; nothing half-written is left"),
        (KeyboardInterrupt("stopped; 3 pictures are kept"), 130, "misread: stopped; 3 pictures are kept"),
        (ModuleNotFoundError("No module named 'torch'", name="torch.nn"), 3, "needs torch, which is not installed"),
        (ModuleNotFoundError("No module named 'onnx'", name="onnx"), 3, "pip install 'misread[export]'"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_every_error_is_a_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    monkeypatch.setattr("misread.runtime.doctor.diagnose", planted(error))
    monkeypatch.setattr("os.dup2", lambda *_: None)
    with pytest.raises(SystemExit) as stop:
        cli.app(["doctor"])
    assert stop.value.code == code
    said = capfd.readouterr()
    assert said.out == ""
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_missing_module_of_our_own_is_a_bug_and_looks_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ModuleNotFoundError("No module named 'misread.lost'", name="misread.lost")
    monkeypatch.setattr("misread.runtime.doctor.diagnose", planted(error))
    with pytest.raises(ModuleNotFoundError):
        cli.app(["doctor"])


def test_every_kind_of_error_has_an_exit_code_from_the_design() -> None:
    def below(kind: type[MisreadError]) -> list[type[MisreadError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in below(child))]

    every = below(MisreadError)
    for kind in every:  # errors drawn elsewhere, as a part of the attacks does, keep the code of their parent
        assert kind.__module__ == "misread.errors" or "exit_code" not in vars(kind)
    assert {kind.__name__: kind.exit_code for kind in every if kind.__module__ == "misread.errors"} == {
        "MisreadError": 2,
        "CheckFailed": 1,
        "InputError": 2,
        "FileError": 2,
        "ModelError": 2,
        "OptionError": 2,
        "UnknownName": 2,
        "MissingExtra": 3,
        "RuntimeFailure": 4,
        "ModelRunError": 4,
        "CameraError": 4,
        "StorageError": 4,
    }


def test_usage_errors_are_2_and_the_version_is_said() -> None:
    runner = CliRunner()
    assert runner.invoke(cli.app, ["verify", "b"]).exit_code == 2
    assert runner.invoke(cli.app, ["verfy"]).exit_code == 2
    assert runner.invoke(cli.app, ["export", "signs", "-o", "a.onnx", "--opset", "many"]).exit_code == 2
    version = runner.invoke(cli.app, ["--version"])
    assert (version.exit_code, version.stdout) == (0, f"misread {__version__}\n")


def test_every_command_has_a_line_of_help_and_its_own_page() -> None:
    runner = CliRunner()
    overview = runner.invoke(cli.app, ["--help"]).stdout
    for command in ("demo", "doctor", "export", "inspect", "attack", "assess", "verify", "camera", "rig", "selftest"):
        assert f"  {command} " in overview
        page = runner.invoke(cli.app, [command, "--help"])
        assert page.exit_code == 0
        assert "Usage:" in page.stdout


def test_json_is_the_only_thing_on_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "misread", "doctor", "--json"], capture_output=True, text=True, check=False, timeout=60
    )
    document = json.loads(done.stdout)
    assert (document["schema"], document["kind"]) == (1, "misread-diagnosis")


def test_progress_is_quiet_in_a_pipe_and_tidy_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress()("attack", 1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    say = progress()
    say("attack", 1, 2)
    say("attack", 2, 2)
    say("frames", 7, 0)
    assert capsys.readouterr().err == "\r\x1b[2Kattack 1/2\r\x1b[2Kattack 2/2\r\x1b[2K\r\x1b[2Kframes 7"


def test_the_list_of_commands_says_each_in_full() -> None:
    listed = CliRunner().invoke(cli.app, ["--help"], terminal_width=80).output
    lines = listed[listed.index("Commands:") :].splitlines()[1:]
    assert len([line for line in lines if line.strip()]) == len(cli.COMMANDS)
    assert [line for line in lines if line.endswith("...")] == []
