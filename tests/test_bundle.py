"""Bundles: the round trip, what a stranger may have done to one, and the placebo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from misread import bundle as bundle_module
from misread.bundle import MANIFEST, BundleWriter, read_bundle
from misread.card import ModelCard
from misread.change import measure_change
from misread.errors import FileError
from misread.wish import UNTARGETED, Wish

if TYPE_CHECKING:
    from pathlib import Path

UInt8 = NDArray[np.uint8]
BRIGHT = Wish.of(["bright"])


def noise(seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, card: ModelCard) -> Path:
    writer = BundleWriter(tmp_path / "bundle")
    clean = noise()
    changed = clean.copy()
    changed[0, 0, 0] ^= 3
    options: dict[str, Any] = {"label": "dark", "label_given": True, "prepared": True, "source": "a.png"}
    writer.add(clean=clean, changed=changed, goal=UNTARGETED, torch_float=True, torch_8bit=True, **options)
    writer.add(
        clean=clean, changed=changed, goal=BRIGHT, torch_float=True, torch_8bit=False, placebo=noise(1), **options
    )
    threat, ran = {"norm": "linf", "eps": 8 / 255}, {"a.onnx": {"threads": 2, "nodes": [["CPU", 7]]}}
    writer.finish(card=card, origin="signs", threat=threat, attack={"name": "pgd"}, counts={}, judges=ran)
    return tmp_path / "bundle"


def test_a_bundle_comes_back(folder: Path, card: ModelCard) -> None:
    bundle = read_bundle(folder)
    first, second = bundle.witnesses
    assert bundle.card == card
    assert (bundle.origin, bundle.threat["norm"], bundle.attack["name"]) == ("signs", "linf", "pgd")
    np.testing.assert_array_equal(bundle.read(first.clean), noise())
    assert (first.placebo, first.goal, second.goal) == (None, UNTARGETED, BRIGHT)
    assert second.placebo is not None
    np.testing.assert_array_equal(bundle.read(second.placebo), noise(1))
    assert first.change == measure_change(bundle.read(first.clean), bundle.read(first.changed))
    assert first.change.values_changed == 1
    assert bundle.witness("0001") is second
    assert bundle.judges == {"a.onnx": {"threads": 2, "nodes": [["CPU", 7]]}}
    with pytest.raises(FileError, match="no witness '7'; it has 0000, 0001"):
        bundle.witness("7")


def test_goals_come_back(tmp_path: Path) -> None:
    three = ModelCard(labels=("dark", "bright", "odd"), size_hw=(8, 8))
    writer = BundleWriter(tmp_path / "bundle")
    goals = (Wish.of(["bright", "odd"]), Wish.of(away_from=["odd"]), UNTARGETED)
    for goal in goals:
        options: dict[str, Any] = {"label_given": True, "prepared": True, "source": "a.png", "goal": goal}
        writer.add(clean=noise(), changed=noise(1), label="dark", torch_float=True, torch_8bit=True, **options)
    writer.finish(card=three, origin="signs", threat={}, attack={}, counts={})
    assert tuple(witness.goal for witness in read_bundle(tmp_path / "bundle").witnesses) == goals


def test_a_manifest_of_schema_1_is_read(folder: Path) -> None:
    """It had the goal as a text: `untargeted`, or the one label to reach."""
    new = read_bundle(folder)
    document = json.loads((folder / MANIFEST).read_text())
    assert document["schema"] == 2
    document["schema"] = 1
    for entry, text in zip(document["witnesses"], ("untargeted", "bright"), strict=True):
        entry["goal"] = text
        del entry["change"]["ssim"]
    (folder / MANIFEST).write_text(json.dumps(document))
    assert read_bundle(folder) == new


def test_a_manifest_that_knows_of_no_judges_is_read(folder: Path) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    del document["judges"]
    (folder / MANIFEST).write_text(json.dumps(document))
    assert read_bundle(folder).judges == {}


def edit(folder: Path, change: dict[str, Any] | None = None, witness: dict[str, Any] | None = None) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    document.update(change or {})
    if witness is not None:
        document["witnesses"][0].update(witness)
    (folder / MANIFEST).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "witness", "message"),
    [
        ({"kind": "other"}, None, "not a misread-bundle document"),
        ({"schema": 9}, None, "update misread"),
        ({"card": None}, None, "broken"),
        ({"card": {"schema": 1}}, None, "broken"),
        ({"witnesses": 3}, None, "broken"),
        ({"witnesses": [3]}, None, "broken"),
        ({"counts": {"a": "x"}}, None, "broken"),
        ({"origin": 3}, None, "expected a text"),
        (None, {"label": "green"}, "unknown label 'green'"),
        ({"schema": 0}, None, "update misread"),
        (None, {"goal": "brigth"}, "did you mean 'bright'"),
        (None, {"goal": "dark"}, "nothing to be misread as"),
        (None, {"goal": 3}, "expected a goal with kind and labels"),
        (None, {"goal": {"kind": 3, "labels": ["bright"]}}, "broken"),
        (None, {"goal": {"kind": "away", "labels": ["bright"]}}, "did you mean 'away-from'"),
        (None, {"goal": {"kind": "away-from", "labels": ["brigth"]}}, "did you mean 'bright'"),
        (None, {"goal": {"kind": "away-from", "labels": ["bright"]}}, "nothing to be misread as"),
        (None, {"change": {"values": 1}}, "broken"),
        (None, {"clean": {"path": "../../secret.png", "sha256": ""}}, "leaves the bundle"),
        (None, {"clean": {"path": "/etc/passwd", "sha256": ""}}, "leaves the bundle"),
        (None, {"clean": {"path": "C:\\a.png", "sha256": ""}}, "leaves the bundle"),
    ],
)
def test_a_strangers_manifest_is_refused_in_one_sentence(
    folder: Path, change: dict[str, Any] | None, witness: dict[str, Any] | None, message: str
) -> None:
    edit(folder, change, witness)
    with pytest.raises(FileError, match=message):
        read_bundle(folder)


def test_a_missing_key_is_named(folder: Path) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    del document["witnesses"][0]["prepared"]
    (folder / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(FileError, match="'prepared' is missing; make the bundle again"):
        read_bundle(folder)


def test_no_bundle_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    with pytest.raises(FileError, match="is no bundle: no such folder"):
        read_bundle(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"cannot read .*manifest\.json"):
        read_bundle(tmp_path / "empty")
    monkeypatch.setattr(bundle_module, "MAX_WITNESSES", 1)
    with pytest.raises(FileError, match="lists 2 witnesses; at most 1"):
        read_bundle(folder)


def test_a_changed_missing_or_huge_picture_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read_bundle(folder)
    reference = bundle.witnesses[0].changed
    path = folder / reference.path
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FileError, match="SHA-256 differs"):
        bundle.read(reference)
    monkeypatch.setattr(bundle_module, "MAX_FILE_BYTES", 1)
    with pytest.raises(FileError, match=r"a witness has at most 1$"):
        bundle.read(reference)
    path.unlink()
    with pytest.raises(FileError, match="cannot read"):
        bundle.read(reference)


def test_the_hash_is_that_of_what_is_judged(folder: Path) -> None:
    before = read_bundle(folder).sha256
    document = json.loads((folder / MANIFEST).read_text())
    document["created"], document["counts"] = "later", {}
    (folder / MANIFEST).write_text(json.dumps(document))
    assert read_bundle(folder).sha256 == before
    document["witnesses"][1]["changed"]["sha256"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(document))
    assert read_bundle(folder).sha256 != before
