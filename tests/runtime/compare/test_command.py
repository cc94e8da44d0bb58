"""`misread compare` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread.cli import app
from misread.pixels import write_png
from misread.runtime.compare import CompareOptions
from misread.runtime.compare.options import MIN_AGREEMENT
from misread.runtime.session import Deployed, SessionOptions
from tests.runtime.compare.builds import CARD, write_build


class Called(Exception):  # noqa: N818
    """Thrown in place of the work."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(5):
        picture = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
        write_png(folder / f"{number}.png", np.repeat(np.repeat(picture, 8, axis=0), 8, axis=1))
    return folder


def called(monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> tuple[Any, ...]:
    seen: list[Any] = []

    def call(a: Any, b: Any, options: Any, *, layers: Any, progress: Any) -> Any:
        seen.extend((a, b, options, layers))
        raise Called

    monkeypatch.setattr("misread.runtime.compare.compare", call)
    result = CliRunner().invoke(app, argv)
    assert isinstance(result.exception, Called), result.output
    return tuple(seen)


def test_arguments_become_one_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    build = str(write_build(tmp_path / "a.onnx"))
    a, b, options, layers = called(monkeypatch, ["compare", build, build, "--data", "d"])
    assert options == CompareOptions(data=Path("d"))
    assert options.min_agreement == MIN_AGREEMENT
    assert (a.name, b.card, layers) == ("a.onnx", CARD, None)
    more = [
        "--min-agreement",
        "0.5",
        "--limit",
        "7",
        "--inputs-a",
        "x.npz",
        "--inputs-b",
        "y",
        "--threads",
        "1",
        "--level",
        "basic",
    ]
    a, _, options, _ = called(monkeypatch, ["compare", build, build, "--data", "d", *more])
    assert options == CompareOptions(
        data=Path("d"), min_agreement=0.5, limit=7, inputs_a=Path("x.npz"), inputs_b=Path("y")
    )
    assert a.options == SessionOptions(threads=1, level="basic")


def test_layers_are_measured_where_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from misread.export.drift import layer_drift

    build = str(write_build(tmp_path / "a.onnx"))
    assert called(monkeypatch, ["compare", build, build, "--data", "d", "--layers"])[3] is layer_drift


def test_b_may_have_weights_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    seen: list[Path | None] = []

    def open_twin(text: str, *, weights: Path | None, **_: Any) -> str:
        seen.append(weights)
        return text

    monkeypatch.setattr("misread.export.reader.open_twin", open_twin)
    argv = ["compare", "net.py:make", "net.py:make", "--data", "d", "--weights", "a.pt"]
    called(monkeypatch, [*argv, "--weights-b", "b.pt"])
    called(monkeypatch, argv)
    assert seen == [Path("a.pt"), Path("b.pt"), Path("a.pt"), Path("a.pt")]


def test_two_builds_that_agree(tmp_path: Path, data: Path) -> None:
    a, b = (str(write_build(tmp_path / name)) for name in ("a.onnx", "b.onnx"))
    said = CliRunner().invoke(app, ["compare", a, b, "--data", str(data)])
    assert said.exit_code == 0, said.output
    assert "agreement  5/5" in said.stdout
    assert "their outputs agree up to noise" in " ".join(said.stdout.split())


def test_a_gate_that_closes_and_a_recorded_culprit(tmp_path: Path, data: Path) -> None:
    a, b = (str(write_build(tmp_path / name, seed=seed)) for seed, name in ((1, "a.onnx"), (2, "b.onnx")))
    from misread.runtime.compare.path.way import Way, planes

    reader = Deployed.open(Path(a))
    fed = {path.name: planes(read(path), Way(card=reader.card))[::-1] for path in data.glob("*.png")}
    np.savez(tmp_path / "fed.npz", allow_pickle=False, **fed)
    argv = ["compare", a, b, "--data", str(data), "--inputs-b", str(tmp_path / "fed.npz"), "--json"]
    said = CliRunner().invoke(app, argv)
    document = json.loads(said.stdout)
    assert said.exit_code == document["exit_code"] == 1
    (effect,) = document["paths"][1]["effects"]
    assert effect["change"] == {"stage": "colour", "expected": "rgb", "found": "bgr, swapped after mean and std"}
    assert "the inputs recorded of B and its card differ in colour order" in document["sentence"]


def read(path: Path) -> np.ndarray:
    from misread.pixels import read_image

    return read_image(path)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--min-agreement", "95"], "write 0.95, not 95"),
        (["--inputs-b", "none.npz"], "cannot read none.npz"),
        (["--limit", "0"], "limit is a number of pictures"),
    ],
)
def test_nonsense_ends_in_one_sentence(tmp_path: Path, data: Path, argv: list[str], words: str) -> None:
    build = str(write_build(tmp_path / "a.onnx"))
    said = CliRunner().invoke(app, ["compare", build, build, "--data", str(data), *argv])
    assert said.exit_code == 2
    assert words in said.output
    assert "Traceback" not in said.output
