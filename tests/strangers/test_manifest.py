"""A bundle of a stranger: a manifest that points elsewhere, repeats itself, has no end or no sense."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.bundle import MANIFEST, BundleWriter, read_bundle
from misread.card import ModelCard
from misread.errors import FileError
from misread.wish import UNTARGETED
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

CARD = ModelCard(labels=("red", "green"), size_hw=(8, 8))
RED, GREEN = (np.full((8, 8, 3), colour, np.uint8) for colour in ((140, 120, 60), (120, 140, 60)))


def bundle(place: Path) -> Path:
    """Write a bundle of two witnesses."""
    writer = BundleWriter(place)
    for _ in range(2):
        writer.add(
            clean=RED,
            changed=GREEN,
            label="red",
            label_given=True,
            goal=UNTARGETED,
            prepared=True,
            torch_float=True,
            torch_8bit=True,
            source="a.png",
        )
    writer.finish(card=CARD, origin="o", threat={}, attack={}, counts={"seen": 2})
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bundle(tmp_path / "b")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


#: (where, what it says, what is said of it).
ABSURD: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("counts", "seen"), float("inf"), "expected a count from 0, got 'inf'"),
    (("counts", "seen"), float("nan"), "expected a count from 0"),
    (("counts", "seen"), -1, "expected a count from 0"),
    (("counts", "seen"), 10**30, "expected a count from 0"),
    (("counts", "seen"), "2", "expected a count from 0"),
    (("threat",), nested(40), "nested more than 32 deep"),
    (("attack",), nested(200), "nested more than 32 deep"),
    (("attack",), {"name": "x" * 2**17}, "a text in it has 131072 characters"),
    (("attack",), {"x" * 2**17: 1}, "a text in it has 131072 characters"),
    (("origin",), "x" * 2**17, "a text in it has 131072 characters"),
    (("origin",), [["x"] * 1000], "expected a text, got"),
    (("witnesses", 1, "id"), "0000", "witness '0000' is there twice"),
    (("witnesses", 1, "label"), "x" * 5000, "unknown label"),
    (("witnesses", 1, "clean", "path"), "a\0b", "leaves the bundle"),
    (("witnesses", 1, "clean", "path"), "images/../../a", "leaves the bundle"),
    (("witnesses", 1, "change", "values_changed"), "1", "expected a count from 0"),
    (("witnesses", 1, "change", "l2"), float("nan"), "expected finite sizes of a change"),
    (("witnesses", 1, "change", "l2"), "1", "expected finite sizes of a change"),
    (("witnesses", 1, "change", "ssim"), [1], "expected finite sizes of a change"),
    (("witnesses", 1, "change", "x" * 5000), 1, "is broken"),
    (("card", "labels"), ["red", "\ud800"], "half of a surrogate pair"),
    (("card", "labels"), ["red", "green" * 1000], "a label has at most 1024"),
    (("schema",), 99, "update misread"),
]


@pytest.mark.parametrize(("where", "value", "words"), ABSURD, ids=[f"{at}" for at in range(len(ABSURD))])
def test_a_manifest_that_is_absurd_is_one_sentence(folder: Path, where: Any, value: Any, words: str) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    at = document
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value
    (folder / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(FileError, match=words) as caught:
        read_bundle(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    build = str(graph(folder / "m.onnx", metadata=CARD.to_metadata()))
    found = CliRunner().invoke(cli.app, ["verify", str(folder), "-m", build])
    assert (found.exit_code, len(found.stderr.splitlines())) == (2, 1)


def test_a_picture_that_is_a_link_out_of_the_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    read = read_bundle(folder)
    picture = folder / read.witnesses[0].clean.path
    picture.rename(tmp_path / "elsewhere.png")
    picture.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(FileError, match="is a link that leaves the bundle"):
        read.read(read.witnesses[0].clean)
    picture.unlink()
    picture.symlink_to(picture)
    with pytest.raises(FileError, match="cannot read"):
        read.read(read.witnesses[0].clean)


def test_a_name_with_a_null_is_one_sentence(tmp_path: Path) -> None:
    from misread.data import find_samples

    (tmp_path / "list.jsonl").write_text('{"file": "a\\u0000b.png", "label": "red"}\n')
    (sample,) = find_samples(tmp_path / "list.jsonl", CARD.labels)
    with pytest.raises(FileError, match="is no file name: embedded null"):
        sample.read()
