"""A stranger's packed bundle: nothing in it leads out of it, asks for the moon or steers the terminal."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.bundle import MANIFEST
from misread.errors import FileError
from misread.report.text.verification import verification_text
from tests.runtime.planted import MEANS
from tests.runtime.replay.packed import hashed, packed, record, replayed, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def test_a_packed_build_that_changed_is_refused_in_a_sentence(folder: Path, build: Path) -> None:
    packed(folder, build)
    (folder / "builds" / "means.onnx").write_bytes(MEANS.replace(b"\x12\x01g", b"\x12\x01h"))  # the graph's name
    with pytest.raises(FileError, match=r"means\.onnx is not the build that was packed"):
        replayed(folder)


def test_a_record_that_changed_is_refused_in_a_sentence(folder: Path, build: Path) -> None:
    packed(folder, build)
    path = folder / "builds" / "0.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(FileError, match="is not the file that the manifest describes"):
        replayed(folder)


@pytest.mark.parametrize(
    "logits",
    [
        np.zeros((6, 2), np.float32),
        np.zeros((6, 3), np.float64),
        np.zeros((5, 3), np.float32),
        np.zeros((3, 6), np.float32),
        np.zeros((6, 3), np.int32),
        np.asfortranarray(np.zeros((6, 3), np.float32)),
    ],
    ids=["labels", "kind", "pictures", "turned", "whole numbers", "columns first"],
)
def test_a_record_of_something_else_is_refused(folder: Path, build: Path, logits: NDArray[Any]) -> None:
    packed(folder, build)
    record(folder, logits)
    with pytest.raises(FileError, match=r"holds no logits of this bundle|has .* bytes"):
        replayed(folder)


def test_a_record_that_asks_for_the_moon_is_refused_before_anything_is_allocated(folder: Path, build: Path) -> None:
    packed(folder, build)
    for data in (b"\x93NUMPY\x02\x00" + bytes(100), b"PK\x03\x04", b""):
        (folder / "builds" / "0.npy").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        rewritten(folder, partial(hashed, digest))
        with pytest.raises(FileError, match="holds no logits of this bundle"):
            replayed(folder)


HOSTILE = {
    "above": lambda entry: entry["file"].update(path="../means.onnx"),
    "absolute": lambda entry: entry["file"].update(path="/etc/passwd"),
    "record above": lambda entry: entry["logits"].update(path="builds/../../0.npy"),
    "no path": lambda entry: entry["file"].update(path=7),
    "no card": lambda entry: entry.update(card=None),
    "card": lambda entry: entry["card"].update(labels=[]),
    "name": lambda entry: entry.update(name="x" * 201),
    "no name": lambda entry: entry.pop("name"),
    "noise": lambda entry: entry.update(noise={"logit": 0, "margin": -1, "pictures": 1}),
    "infinite": lambda entry: entry.update(noise={"logit": 0, "margin": float("inf"), "pictures": 1}),
    "fingerprint": lambda entry: entry.update(fingerprint="x"),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_strangers_entry_is_refused(folder: Path, build: Path, harm: Callable[[dict[str, Any]], None]) -> None:
    packed(folder, build)
    rewritten(folder, harm)
    with pytest.raises(FileError, match=r"describes a packed build wrongly|is broken"):
        replayed(folder)


def test_a_link_that_leaves_the_bundle_is_not_followed(folder: Path, build: Path) -> None:
    packed(folder, build)
    (folder / "builds" / "means.onnx").unlink()
    (folder / "builds" / "means.onnx").symlink_to(build)
    with pytest.raises(FileError, match="is a link that leaves the bundle"):
        replayed(folder)


def test_too_many_and_two_of_one_name_are_refused(folder: Path, build: Path) -> None:
    packed(folder, build)
    document = json.loads((folder / MANIFEST).read_text())
    for times, said in ((65, "lists 65 packed builds"), (2, "packs a build of the name 'means.onnx' twice")):
        (folder / MANIFEST).write_text(json.dumps(document | {"builds": document["builds"] * times}))
        with pytest.raises(FileError, match=said):
            replayed(folder)


def test_a_strangers_words_do_not_steer_the_terminal(folder: Path, build: Path) -> None:
    packed(folder, build)
    rewritten(folder, lambda entry: entry.update(name="\x1b[2Jx", fingerprint={"cpu": "\x1b[2J"}))
    text = verification_text(replayed(folder))
    assert "\x1b" not in text
    assert "\\x1b[2J on the host" in " ".join(text.split())
