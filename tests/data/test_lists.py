"""JSON lines of pictures and labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from misread.data import find_samples
from misread.errors import FileError, InputError

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("Stop", "Give way", "Priority road")


def lines(folder: Path, *entries: object) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n\n")
    return path


def test_a_line_names_a_file_beside_it_and_its_label(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        {"file": "pics/b.png", "label": "Give way", "more": [1]},
        {"file": "pics/a\u2028.png", "label": 2},
        {"file_name": "c.png", "Class": "0"},
    )
    assert [(sample.path, sample.label, sample.name) for sample in find_samples(path, LABELS)] == [
        (tmp_path / "pics/b.png", 1, "pics/b.png"),
        (tmp_path / "pics/a\u2028.png", 2, "pics/a\u2028.png"),
        (tmp_path / "c.png", 0, "c.png"),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        [],
        {"file": "a.png"},
        {"label": 1},
        {"file": "", "label": 1},
        {"file": 3, "label": 1},
        {"file": "a.png", "label": True},
        {"file": "a.png", "label": 1.0},
        {"file": "a.png", "label": ""},
    ],
)
def test_a_line_without_file_or_label_is_one_sentence(tmp_path: Path, entry: object) -> None:
    with pytest.raises(FileError, match=r"list\.jsonl line 2: expected an object with 'file' and 'label'"):
        find_samples(lines(tmp_path, {"file": "a.png", "label": 0}, entry), LABELS)


def test_a_line_that_is_no_json_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    for text in ("{file}", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(FileError, match="line 1 is no JSON object"):
            find_samples(path, LABELS)


@pytest.mark.parametrize("label", ["Stpo", 3, -1, "9" * 5000])
def test_an_unknown_label_is_one_sentence(tmp_path: Path, label: object) -> None:
    with pytest.raises(InputError, match="line 1: unknown label"):
        find_samples(lines(tmp_path, {"file": "a.png", "label": label}), LABELS)
