"""Names of classes in the data that are no labels of the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.data import classes as module
from misread.data import find_samples, read_classes, sorted_classes
from misread.errors import FileError, InputError
from misread.pixels import write_png

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("tench", "goldfish", "great white shark")
SYNSETS = ("n01440764", "n01443537", "n01484850")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(dict(zip(SYNSETS, LABELS, strict=True)))),
        ("b.json", json.dumps({name: at for at, name in enumerate(SYNSETS)})),
        ("imagenet_class_index.json", json.dumps({str(at): [SYNSETS[at], LABELS[at]] for at in range(3)})),
        ("c.JSON", json.dumps({str(at): SYNSETS[at] for at in range(3)})),
        ("wnids.txt", "\n".join(SYNSETS) + "\n"),
        ("LOC_synset_mapping.txt", "".join(f"{name} some thing, some other\n" for name in SYNSETS)),
    ],
)
def test_names_are_read_as_others_write_them(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_classes(tmp_path / name, LABELS)
    assert found == {synset: at for at, synset in enumerate(SYNSETS)}
    write_png(tmp_path / "data" / "n01484850" / "a.png", np.zeros((8, 8, 3), np.uint8))
    assert [sample.label for sample in find_samples(tmp_path / "data", LABELS, names=found)] == [2]


def test_what_the_data_call_a_class_comes_before_labels_and_numbers(tmp_path: Path) -> None:
    for name in ("0", "tench"):
        write_png(tmp_path / name / "a.png", np.zeros((8, 8, 3), np.uint8))
    found = find_samples(tmp_path, LABELS, names={"0": 2, "tench": 1})
    assert [(sample.name, sample.label) for sample in found] == [("0/a.png", 2), ("tench/a.png", 1)]


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("a.json", "[", FileError, "no JSON"),
        ("a.json", "[1]", FileError, "must hold a JSON object"),
        ("a.json", "{}", FileError, "must hold a JSON object"),
        ("a.json", '{"n1": {"x": 1}}', FileError, "expected a name, a label or a number"),
        ("a.json", '{"n1": true}', FileError, "expected a name, a label or a number"),
        ("a.json", '{"n1": "tenhc"}', InputError, "did you mean 'tench'"),
        ("a.json", '{"7": "n1"}', InputError, "unknown label '7'"),
        ("a.txt", "n1\nn2\n", InputError, "names 2 classes in 2 lines, the model has 3 outputs"),
        ("a.txt", "n1\n\nn2\nn3", InputError, "names 3 classes in 4 lines"),
        ("a.txt", "n1\nn2\nn1", InputError, "names 2 classes in 3 lines"),
    ],
)
def test_what_is_no_such_file_is_one_sentence(
    tmp_path: Path, name: str, text: str, error: type[Exception], said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=said):
        read_classes(tmp_path / name, LABELS)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_classes(tmp_path / "none.json", LABELS)
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(FileError, match="not UTF-8"):
        read_classes(tmp_path / "a.txt", LABELS)
    monkeypatch.setattr(module, "MAX_BYTES", 0)
    with pytest.raises(FileError, match="at most 0"):
        read_classes(tmp_path / "a.txt", LABELS)


def test_folders_in_the_order_of_their_names_are_numbered_as_torchvision_does(tmp_path: Path) -> None:
    for name in ("10", "9", "a"):
        (tmp_path / name).mkdir()
    assert sorted_classes(tmp_path, LABELS) == {"10": 0, "9": 1, "a": 2}
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="holds 4 folders and the model has 3 outputs"):
        sorted_classes(tmp_path, LABELS)
    with pytest.raises(FileError, match="no such file"):
        sorted_classes(tmp_path / "none", LABELS)
