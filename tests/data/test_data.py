"""Pictures and labels on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.data import find_samples, lists
from misread.errors import FileError, InputError
from misread.pixels import write_png

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("Stop", "Give way", "Priority road")


def put(path: Path) -> None:
    write_png(path, np.zeros((8, 8, 3), np.uint8))


def test_class_folders_are_named_by_label_or_number(tmp_path: Path) -> None:
    for name in ("Give way/b.png", "Give way/a.jpg", "2/deep/c.PNG", ".hidden/d.png", "Stop/readme.txt"):
        put(tmp_path / name)
    found = find_samples(tmp_path, LABELS)
    assert [(sample.name, sample.label) for sample in found] == [
        ("2/deep/c.PNG", 2),
        ("Give way/a.jpg", 1),
        ("Give way/b.png", 1),
    ]


def test_a_flat_folder_and_one_picture_have_no_labels(tmp_path: Path) -> None:
    put(tmp_path / "b.png")
    put(tmp_path / "a.png")
    assert [(sample.name, sample.label) for sample in find_samples(tmp_path, LABELS)] == [
        ("a.png", None),
        ("b.png", None),
    ]
    assert [sample.name for sample in find_samples(tmp_path / "b.png", LABELS)] == ["b.png"]


def test_a_csv_names_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("\ufefffile,label,more\npics/a.png,Stop,x\npics/b.png,1,y\n")
    found = find_samples(tmp_path / "list.csv", LABELS)
    assert [(sample.path, sample.label) for sample in found] == [
        (tmp_path / "pics/a.png", 0),
        (tmp_path / "pics/b.png", 1),
    ]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("name,label\na.png,Stop\n", FileError, "expected 'file' and 'label'"),
        ("", FileError, "expected 'file' and 'label'"),
        ("file,label\n", FileError, "no pictures in"),
        ("file,label\na.png\n", FileError, "line 2: expected a file and its label"),
        ("file,label\na.png,Stpo\n", InputError, "line 2: unknown label 'Stpo'; did you mean 'Stop'"),
        ("file,label\na.png,3\n", InputError, "line 2: unknown label '3'"),
    ],
)
def test_a_wrong_csv_is_one_sentence(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(error, match=message):
        find_samples(tmp_path / "list.csv", LABELS)


def test_nothing_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder"):
        find_samples(tmp_path / "none", LABELS)
    with pytest.raises(FileError, match="no pictures in"):
        find_samples(tmp_path, LABELS)
    put(tmp_path / "Stopp" / "a.png")
    with pytest.raises(InputError, match="did you mean 'Stop'"):
        find_samples(tmp_path, LABELS)


def test_a_list_of_pictures_must_be_text_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="not UTF-8 text"):
        find_samples(path, LABELS)
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", 2)
    with pytest.raises(FileError, match="has at most 2"):
        find_samples(path, LABELS)
    with pytest.raises(FileError, match="no such file"):
        find_samples(tmp_path / "none.csv", LABELS)
