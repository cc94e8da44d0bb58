"""`misread eval`: argv becomes one call, a file is read without torch, and exit codes say what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.card import ModelCard
from misread.pixels import write_png
from misread.runtime.evaluate import EvalOptions
from tests.models import graph

CARD = ModelCard(labels=("red", "green"), size_hw=(8, 8))
WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from misread.cli import main
main()
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return graph(tmp_path / "m.onnx", metadata=CARD.to_metadata())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two red pictures, one of them in the folder of the green ones."""
    for name in ("red/a.png", "green/b.png"):
        write_png(tmp_path / "data" / name, np.full((8, 8, 3), (200, 10, 0), np.uint8))
    return tmp_path / "data"


class Called(Exception):  # noqa: N818
    """Thrown in place of the work."""


def called(monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> tuple[Any, EvalOptions]:
    found: list[Any] = []

    def call(reader: Any, options: EvalOptions, **_: Any) -> Any:
        found.append((reader, options))
        raise Called

    monkeypatch.setattr("misread.runtime.evaluate.evaluate", call)
    result = CliRunner().invoke(cli.app, ["eval", *argv])
    assert isinstance(result.exception, Called), result.output
    reader, options = found[0]
    return reader, options


def test_eval_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    reader, options = called(monkeypatch, [str(build), "--data", "d"])
    assert options == EvalOptions(data=Path("d"))
    assert (reader.path, reader.card) == (build, CARD)
    more = ["--limit", "7", "--classes", "names.json", "--min-accuracy", "0.9", "-o", "l.csv", "--overwrite"]
    run = ["--threads", "1", "--level", "basic", "--spinning", "--session", "arena=off"]
    reader, options = called(monkeypatch, [str(build), "--data", "d", *more, *run])
    assert options == EvalOptions(
        data=Path("d"), limit=7, classes=Path("names.json"), min_accuracy=0.9, out=Path("l.csv"), overwrite=True
    )
    said = reader.options
    assert (said.threads, said.level, said.spinning, said.arena) == (1, "basic", True, False)


def test_an_origin_is_read_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    reader, _ = called(monkeypatch, ["signs", "--data", "d"])
    assert (reader.name, len(reader.card.labels)) == ("signs", 43)
    assert reader.card_sources == ("misread card",)


def test_a_file_is_read_without_torch(build: Path, data: Path) -> None:
    argv = ["eval", str(build), "--data", str(data), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *argv], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["kind"], document["top1"]["hits"], document["top1"]["total"]) == ("misread-evaluation", 1, 2)
    assert document["confusions"] == [{"truth": "green", "read": "red", "times": 1}]
    assert document["sentence"].startswith("m.onnx reads 1 of 2 pictures right")


def test_exit_codes(build: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def code(*argv: str) -> int:
        return CliRunner().invoke(cli.app, ["eval", str(build), "--data", str(data), *argv]).exit_code

    assert [code("--min-accuracy", share) for share in ("0.5", "0.6", "5")] == [0, 1, 2]
    assert code("--data", "nowhere") == 2

    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("misread.runtime.evaluate.Tally.add", stop)
    assert code("-o", str(data.parent / "lines.csv")) == 130
    assert sorted(entry.name for entry in data.parent.iterdir()) == ["data", "m.onnx"]
