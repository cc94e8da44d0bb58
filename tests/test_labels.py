"""Class names from files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from misread import labels as labels_module
from misread.errors import FileError, MisreadError, ModelError
from misread.labels import read_labels


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "\ufeffStop\n Give way \n\n"),
        ("a.json", '["Stop", "Give way"]'),
        ("a.json", '{"1": "Give way", "0": "Stop"}'),
        ("a.csv", "class,name\n1,Give way\n0,Stop\n"),
        ("a.csv", "Name\nStop\nGive way\n"),
    ],
)
def test_every_form_gives_the_same_labels(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name) == read_labels(tmp_path / name, count=2) == ("Stop", "Give way")


def test_none_numbers_the_outputs_where_their_count_is_known(tmp_path: Path) -> None:
    assert read_labels(Path("none"), count=3) == ("0", "1", "2")
    with pytest.raises(FileError, match="cannot read none"):
        read_labels(Path("none"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"Stop\n\nGive way\n", "line 2 of .* is empty"),
        ("a.txt", b"\xff\xfe\x00", "not UTF-8 text"),
        ("a.txt", b"Stop\n", "holds 1 labels, the model has 2 outputs"),
        ("a.txt", b"Stop\nStop\n", "'Stop' stands twice"),
        ("a.json", b"{", "is not JSON"),
        ("a.json", b"3", "must hold a JSON list"),
        ("a.json", b'{"0": "Stop", "2": "Give way"}', "from 0 to 1 without a gap"),
        ("a.json", b'{"a": "Stop", "b": "Give way"}', "no whole number"),
        ("a.csv", b"colour,size\nred,3\n", "has the columns colour, size"),
        ("a.csv", b"name\nStop\n\x20\n", "is empty"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((FileError, ModelError), match=message):
        read_labels(tmp_path / name, count=2)


def test_a_broken_csv_a_missing_and_a_huge_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("name\n" + "x" * 200_000 + "\n")
    with pytest.raises(MisreadError, match="is not a CSV file"):
        read_labels(tmp_path / "a.csv", count=1)
    with pytest.raises(FileError, match="cannot read"):
        read_labels(tmp_path / "none.txt", count=2)
    monkeypatch.setattr(labels_module, "MAX_LABEL_BYTES", 3)
    with pytest.raises(FileError, match="at most 3"):
        read_labels(tmp_path / "a.csv", count=1)
