"""How a build without a card is fed: every command that asks takes all of the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from misread import cli
from misread.cards.facts import CardFacts

COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
FEEDING = [name for name, command in COMMANDS.items() if any(part.name == "resize" for part in command.params)]


@pytest.mark.parametrize("name", FEEDING)
def test_a_command_that_takes_resize_takes_its_other_half(name: str) -> None:
    assert {"resize_px", "pad_level"} <= {part.name for part in COMMANDS[name].params}


def test_a_letterbox_arrives_with_its_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\n")
    given: dict[str, Any] = {}

    class Caught(Exception):  # noqa: N818
        pass

    def catch(_: Path, *, card: CardFacts) -> None:
        given["card"] = card
        raise Caught

    monkeypatch.setattr("misread.runtime.inspect.inspect", catch)
    argv = ["inspect", "m.onnx", "--labels", str(tmp_path / "labels.txt"), "--size", "8"]
    with pytest.raises(Caught):
        CliRunner().invoke(cli.app, [*argv, "--resize", "letterbox", "--pad-level", "0"], catch_exceptions=False)
    assert given["card"] == CardFacts(labels=("a", "b"), size_hw=(8, 8), resize="letterbox", pad_level=0)


def test_an_origin_is_letterboxed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from misread.export.origin import Preparation

    class Caught(Exception):  # noqa: N818
        pass

    given: list[Any] = []

    def catch(options: Any, **_: Any) -> None:
        given.append(options.preparation)
        raise Caught

    monkeypatch.setattr("misread.export.run.export_builds", catch)
    argv = ["export", "signs", "-o", "a.onnx", "--resize", "letterbox", "--pad-level", "9"]
    with pytest.raises(Caught):
        CliRunner().invoke(cli.app, argv, catch_exceptions=False)
    assert given == [Preparation(resize="letterbox", pad_level=9)]
