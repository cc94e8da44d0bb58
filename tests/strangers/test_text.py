"""Labels, names and cards of strangers: spelt out in a terminal, escaped in a page, refused where it is absurd."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import BundleWriter, read_bundle
from misread.card import CARD_KEY, MAX_LABEL_CHARS, ModelCard
from misread.errors import ModelError, OptionError
from misread.files import json_bytes
from misread.pixels import write_png
from misread.report.markup import text as html_text
from misread.text import printable
from misread.wish import UNTARGETED
from tests.models import graph

EVIL = "\x1b[2J\x1b]0;mine\x07<script>alert(1)</script>\u202e\u200b\x9b31m\nred"
UP = "../../etc/\x00green\u2028'\";--"
CARD = ModelCard(labels=(EVIL, UP), size_hw=(8, 8))


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A working build whose every name is foreign."""
    onnx = pytest.importorskip("onnx")
    path = graph(tmp_path / "m.onnx", metadata=CARD.to_metadata() | {"\x1b[2Jkey": "\x1b[2J"})
    model = onnx.load(path)
    model.producer_name = "\x1b[2J\u202e"
    model.graph.input[0].name = model.graph.node[0].input[0] = "in\x1b[2J"
    onnx.save(model, path)
    for name, level in (("a", 140), ("\x1b[2J\u202eb", 120)):
        write_png(tmp_path / "pictures" / f"{name}.png", np.full((8, 8, 3), (level, 130, 60), np.uint8))
    return path


def fit_for_a_terminal(said: str) -> bool:
    return all(unicodedata.category(mark) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for mark in said.replace("\n", ""))


@pytest.mark.slow
def test_no_command_lets_a_name_steer_the_terminal(hostile: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    build, out = str(hostile), str(tmp_path / "out")
    few = ("--clips", "3", "--frames-per-clip", "2")
    for argv in (
        ["inspect", build],
        ["inspect", build, "--json"],
        ["attack", build, "--data", str(tmp_path / "pictures"), "-o", out],
        ["verify", out, "-m", build],
        ["verify", out, "-m", build, "--json"],
        ["attack", build, "--data", str(tmp_path / "pictures"), "-o", out, "--target", "\x1b[2J"],
        ["camera", "-m", build, "--bundle", out, "--headless", *few, "-o", str(tmp_path / "film")],
    ):
        result = CliRunner().invoke(cli.app, argv)
        assert result.exit_code in {0, 1, 2}, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert fit_for_a_terminal(result.stdout), argv
        assert fit_for_a_terminal(result.stderr), argv
    names = {path.name for folder in ("out", "film") for path in (tmp_path / folder).rglob("*")}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names), names


def test_a_page_holds_none_of_it() -> None:
    for label in (EVIL, UP, "\x9b31m"):
        shown = html_text(label)
        assert "<script" not in shown
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]", shown)
    assert html_text("a\u200db") == "a\u200db"


def test_a_file_name_that_is_no_utf8_goes_into_a_manifest_and_back(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    assert json.loads(json_bytes({"name": name}, kind="k"))["name"] == name
    assert "\\u2028" not in json_bytes({"name": "\u2028"}, kind="k").decode()
    writer = BundleWriter(tmp_path / "b")
    picture = np.zeros((8, 8, 3), np.uint8)
    writer.add(
        clean=picture,
        changed=picture,
        label=EVIL,
        label_given=True,
        goal=UNTARGETED,
        prepared=True,
        torch_float=True,
        torch_8bit=True,
        source=name,
    )
    writer.finish(card=CARD, origin="o", threat={}, attack={}, counts={})
    assert read_bundle(tmp_path / "b").witnesses[0].source == name
    assert printable(name) == "caf\\udce9.png"


def card(**fields: Any) -> str:
    return json.dumps({"schema": 1, "labels": ["a", "b"], "size_hw": [8, 8], **fields})


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (" " * (4 * 2**20 + 1), "has 4194305 characters; at most 4194304 are read"),
        ("[" * 10**6, "is broken"),
        ('{"schema": 1, "labels": ' + "[" * 10**5 + "]" * 10**5 + "}", "is broken"),
        ('{"a":' * 10**5 + "1" + "}" * 10**5, "is broken"),
        (card(scale=float("nan")), "scale must be a positive number"),
        (card(scale=float("inf")), "scale must be a positive number"),
        (card(mean=[float("nan"), 0, 0]), "mean must hold 3 finite numbers"),
        (card(scale=10**400), "is broken"),
        (card(scale="1"), "is broken"),
        (card(size_hw=[10**30, 8]), "size must be height and width from 1 to 4096"),
        (card(size_hw=[True, 8]), "size must be"),
        (card(size_hw=8), "is broken"),
        (card().replace("1,", "9" * 5000 + ",", 1), "is broken"),
        (card().replace('"schema": 1', '"schema": 1, "schema": 1'), "'schema' stands twice in it"),
        (card(labels="ab"), "every label must be a non-empty text"),
        (card(labels={"a": 1, "b": 2}), "every label must be a non-empty text"),
        (card(labels=["a", ["b"]]), "every label must be a non-empty text"),
        (card(labels=["a", "b" * 10**6]), f"a label has at most {MAX_LABEL_CHARS} characters, 'bbbb"),
        (card(labels=["a", "\ud800"]), "half of a surrogate pair"),
        (card(labels=[str(at) for at in range(200_000)] + ["0"]), "'0' stands twice"),
        (card(__class__="x"), "is broken"),
        (card(resize=["crop"]), "unknown resize"),
        ("null", "is broken"),
        ("[]", "is broken"),
    ],
    ids=range(24),
)
def test_a_card_that_is_absurd_is_one_sentence(written: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        ModelCard.from_metadata({CARD_KEY: written})
    assert len(str(caught.value)) < 1000
    path = graph(tmp_path / "m.onnx", metadata={CARD_KEY: written.encode("utf-8", "replace").decode()})
    found = CliRunner().invoke(cli.app, ["inspect", str(path)])
    assert (found.exit_code, "broken" in found.stdout or "characters" in found.stdout) == (0, True)


def test_a_card_of_fifty_megabytes_is_refused_by_every_command(tmp_path: Path) -> None:
    path = str(graph(tmp_path / "m.onnx", metadata={CARD_KEY: " " * 50 * 2**20}))
    for argv in (["inspect", path], ["camera", "-m", path, "--headless"]):
        found = CliRunner().invoke(cli.app, argv)
        assert found.exit_code == 2
        assert "52428800 bytes stand where at most 16777216 are read" in found.stderr


@pytest.mark.parametrize("label", ["a\ud800", "x" * 2000])
def test_labels_that_no_file_can_hold_are_refused_where_a_card_is_made(label: str) -> None:
    with pytest.raises(OptionError):
        ModelCard(labels=("a", label), size_hw=(8, 8))
