"""Pictures and labels on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.data import find_samples, lists, stream_samples
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
        ("name,label\na.png,Stop\n", FileError, r"says 'name, label'; expected a file \(file, filename, "),
        ("", FileError, r"says ''; expected a file .* and its label \(label, class"),
        ("file,label\n", FileError, "no pictures in"),
        ("file,label\na.png\n", FileError, "line 2: expected a file and its label"),
        ("file,label\na.png,Stpo\n", InputError, "line 2: unknown label 'Stpo'; did you mean 'Stop'"),
        ("file,label\na.png,3\n", InputError, "line 2: unknown label '3'"),
        ("file,label\na.png,n01440764\n", InputError, "name of ImageNet's; .* given with --classes"),
        ("file,label\n" + "a" * 200_000 + ",1\n", FileError, "no CSV that can be read: field larger than"),
    ],
)
def test_a_wrong_csv_is_one_sentence(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(error, match=message):
        find_samples(tmp_path / "list.csv", LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "Filename;Width;ClassId\r\na b.png;5;1\r\n",
        "path\tclass\na b.png\t1\n",
        'image,target\n"a b.png",Give way\n',
        "label, file_name \n give_way , a b.png\n",
        "x,image_path,label\n,a b.png,1.0\n",
        "file,label\na b.png,01",
    ],
)
def test_lists_as_others_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_bytes(text.encode())
    (found,) = find_samples(tmp_path / "list.csv", LABELS)
    assert (found.path, found.name, found.label) == (tmp_path / "a b.png", "a b.png", 1)


def test_a_list_leads_wherever_its_owner_points(tmp_path: Path) -> None:
    """A list is the user's own, like what stands on the command line: what it names is only decoded as a picture."""
    (tmp_path / "lists").mkdir()
    put(tmp_path / "odd\\name.png")
    put(tmp_path / "pics" / "a.png")
    path = tmp_path / "lists" / "list.tsv"
    path.write_text(f"file\tlabel\n{tmp_path}/pics/a.png\t0\n..\\pics\\a.png\t0\n../odd\\name.png\t0\n")
    names = [sample.path.resolve().relative_to(tmp_path.resolve()).as_posix() for sample in find_samples(path, LABELS)]
    assert names == ["pics/a.png", "pics/a.png", "odd\\name.png"]


def test_folders_may_be_in_lower_case_and_with_underscores_where_that_means_one_label(tmp_path: Path) -> None:
    for name in ("give_way", "PRIORITY ROAD"):
        put(tmp_path / name / "a.png")
    assert [sample.label for sample in find_samples(tmp_path, LABELS)] == [2, 1]
    with pytest.raises(InputError, match="unknown label 'give_way'"):
        find_samples(tmp_path, ("Give way", "give Way", "Priority road"))


def test_links_are_followed_but_not_in_circles_and_hidden_files_left_out(tmp_path: Path) -> None:
    put(tmp_path / "far" / "more" / "b.PNG")
    put(tmp_path / "data" / "Stop" / "._a.jpg")
    put(tmp_path / "data" / "Stop" / ".thumbs" / "c.png")
    (tmp_path / "data" / "Stop" / "link.png").symlink_to(tmp_path / "far" / "more" / "b.PNG")
    (tmp_path / "data" / "Give way").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "more" / "back").symlink_to(tmp_path / "far")
    found = find_samples(tmp_path / "data", LABELS)
    assert [(sample.name, sample.label) for sample in found] == [("Give way/more/b.PNG", 1), ("Stop/link.png", 0)]
    assert found[0].read().shape == found[1].read().shape == (8, 8, 3)


def test_a_folder_without_pictures_is_no_class(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "annotations").mkdir()
    assert [(sample.name, sample.label) for sample in find_samples(tmp_path, LABELS)] == [("a.png", None)]


def test_a_folder_above_or_with_pictures_beside_is_one_sentence(tmp_path: Path) -> None:
    put(tmp_path / "train" / "Stop" / "a.png")
    with pytest.raises(InputError, match=r"holds class folders; give --data .*train"):
        find_samples(tmp_path, LABELS)
    put(tmp_path / "train" / "stray.png")
    with pytest.raises(InputError, match=r"such as Stop, and 1 pictures beside them, such as stray\.png"):
        find_samples(tmp_path / "train", LABELS)


def test_a_folder_that_cannot_be_listed_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "Stop" / "deep" / "a.png")
    real = os.scandir

    def refuse(place: Path) -> Any:
        if place.name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr("misread.data.folder.os.scandir", refuse)
    with pytest.raises(FileError, match=r"cannot read .*deep: permission denied"):
        find_samples(tmp_path, LABELS)


def test_a_folder_is_listed_as_it_is_read_and_its_classes_are_checked_first(tmp_path: Path) -> None:
    for name in ("Stop/a.png", "Stop/b.png", "Give way/c.png"):
        put(tmp_path / name)
    found = stream_samples(tmp_path, LABELS)
    assert found.total is None
    assert next(found.each).name == "Give way/c.png"
    put(tmp_path / "Stop" / "c.png")
    assert [sample.name for sample in found.each] == ["Stop/a.png", "Stop/b.png", "Stop/c.png"]
    few = stream_samples(tmp_path, LABELS, limit=2)
    assert (few.total, [sample.name for sample in few.each]) == (2, ["Give way/c.png", "Stop/b.png"])
    put(tmp_path / "zzz" / "d.png")
    with pytest.raises(InputError, match="unknown label 'zzz'"):
        stream_samples(tmp_path, LABELS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no pictures in"):
        stream_samples(tmp_path / "empty", LABELS)


def test_nothing_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder"):
        find_samples(tmp_path / "none", LABELS)
    with pytest.raises(FileError, match="no pictures in"):
        find_samples(tmp_path, LABELS)
    (tmp_path / "list.txt").write_text("a.png 0")
    with pytest.raises(FileError, match="none of the forms"):
        find_samples(tmp_path / "list.txt", LABELS)
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
