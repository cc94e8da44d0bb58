"""`misread perf`: argv becomes exactly one library call, a limit that is not kept becomes exit code 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.cards.facts import CardFacts
from misread.runtime.perf import PerfOptions
from misread.runtime.session import SessionOptions
from tests.runtime.perf.planted import result
from tests.runtime.planted import COLOURS, MEANS


class Called(Exception):  # noqa: N818
    """Thrown by a double in place of the work."""


def options_of(monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> Any:
    given: list[Any] = []

    def call(options: Any, **_: Any) -> Any:
        given.append(options)
        raise Called

    monkeypatch.setattr("misread.runtime.perf.perf", call)
    outcome = CliRunner().invoke(cli.app, argv)
    assert isinstance(outcome.exception, Called), outcome.output
    return given[0]


def test_it_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert options_of(monkeypatch, ["perf", "a.onnx"]) == PerfOptions(builds=(Path("a.onnx"),))
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n")
    more = ["--data", "d", "--batch", "1", "--batch", "8", "--threads", "1", "--threads", "2", "--iterations", "70"]
    more += ["--warmup", "3", "--seconds", "2.5", "--starts", "0", "--seed", "7", "--max-p95-ms", "12.5"]
    more += ["--min-speedup", "1.8", "--labels", str(labels), "--size", "8", "--colour", "bgr"]
    more += ["--level", "basic", "--spinning", "--session", "arena=off", "--provider", "cpu"]
    assert options_of(monkeypatch, ["perf", "a.onnx", "b.onnx", *more]) == PerfOptions(
        builds=(Path("a.onnx"), Path("b.onnx")),
        card=CardFacts(labels=("a", "b"), size_hw=(8, 8), colour="bgr"),
        data=Path("d"),
        batches=(1, 8),
        session=SessionOptions(level="basic", spinning=True, arena=False),
        threads=(1, 2),
        iterations=70,
        warmup=3,
        seconds=2.5,
        starts=0,
        seed=7,
        max_p95_ms=12.5,
        min_speedup=1.8,
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_a_limit_that_is_not_kept_ends_with_one(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    from misread.runtime.perf.result import Gate

    found = result(gates=(Gate(passed=False, said="late"),))
    monkeypatch.setattr("misread.runtime.perf.perf", lambda *_, **__: found)
    outcome = CliRunner().invoke(cli.app, ["perf", "a.onnx", *(["--json"] if as_json else [])])
    assert outcome.exit_code == 1
    if as_json:
        assert json.loads(outcome.stdout)["sentence"] == "too slow: late"
    else:
        assert outcome.stdout.endswith("too slow: late\n")


def test_all_of_it_with_a_real_process(tmp_path: Path) -> None:
    (tmp_path / "means.onnx").write_bytes(MEANS)
    (tmp_path / "labels.txt").write_text("\n".join(COLOURS.labels))
    argv = ["perf", str(tmp_path / "means.onnx"), "--labels", str(tmp_path / "labels.txt"), "--size", "8", "--json"]
    outcome = CliRunner().invoke(cli.app, [*argv, "--iterations", "5", "--starts", "1"])
    assert outcome.exit_code == 0, outcome.output
    (measured,) = json.loads(outcome.stdout)["settings"][0]["measured"]
    assert measured["run"]["count"] == 5
    assert measured["cold"]["starts"] == 1
    assert 0 < measured["cold"]["load_ms"] < measured["cold"]["start_ms"]


def test_the_overview_and_its_own_page_say_it() -> None:
    assert "  perf " in CliRunner().invoke(cli.app, ["--help"]).stdout
    page = CliRunner().invoke(cli.app, ["perf", "--help"])
    assert page.exit_code == 0
    assert "Needs no torch" in " ".join(page.stdout.split())


@pytest.mark.parametrize(
    ("argv", "code"), [(["perf"], 2), (["perf", "nix.onnx"], 2), (["perf", "a.onnx", "--batch", "many"], 2)]
)
def test_wrong_usage_is_two(argv: list[str], code: int) -> None:
    assert CliRunner().invoke(cli.app, argv).exit_code == code
