"""Lists of pictures and of labels: binary, without lines, without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from misread.data import find_samples
from misread.errors import FileError, MisreadError
from misread.labels import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def sparse(path: Path) -> Path:
    """One line of a gigabyte, which takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(2**30)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_list_of_one_endless_line_is_refused_unread(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="has 1073741824 bytes; a list of pictures has at most 67108864"):
        find_samples(sparse(tmp_path / name), ("a",))


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.json"])
def test_labels_of_one_endless_line_are_refused_unread(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="has 1073741824 bytes; a file of labels has at most 4194304"):
        read_labels(sparse(tmp_path / name))


CONTENTS = {
    "binary": bytes(range(256)),
    "nulls": b"file,label\na\0.png,a\n",
    "only nulls": bytes(1000),
    "a long field": b'file,label\n"' + b"x" * 200_000 + b'",a\n',
    "a long head": b"x" * 200_000 + b",label\n",
    "an open quote": b'file,label\n"a.png,a\n',
    "carriage returns": b"file,label\ra.png,a\r",
    "nesting": b"[" * 100_000,
    "a great number": b'{"file": "a", "label": ' + b"9" * 5000 + b"}",
    "a wide head": b",".join(b"%d" % at for at in range(50_000)) + b"\n",
    "nothing": b"",
    "a mark alone": b"\xef\xbb\xbf",
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_list_of_anything_is_read_or_refused_in_one_sentence(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(CONTENTS[kind])
    try:
        find_samples(tmp_path / name, ("a",))
    except MisreadError as error:
        assert len(str(error)) < 2000  # noqa: PT017  either is right, and both are checked
    else:
        assert kind in {"nulls", "carriage returns", "an open quote"}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.json"])
def test_labels_of_anything_are_read_or_refused_in_one_sentence(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(CONTENTS[kind])
    try:
        labels = read_labels(tmp_path / name)
    except MisreadError as error:
        assert len(str(error)) < 2000  # noqa: PT017  either is right, and both are checked
    else:
        assert all(labels)
