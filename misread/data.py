"""Labelled pictures on disk: class folders, a CSV, or a flat folder. Only paths are held, never the pictures."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import FileError, InputError
from misread.files import cannot_read
from misread.pixels import SUFFIXES
from misread.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LIST_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One picture and what it shows.

    Attributes:
        path: the file.
        label: output number of the true label, or None where nobody said.
        name: how results call it: the path below the data folder.
    """

    path: Path
    label: int | None
    name: str


def find_samples(place: Path, labels: Sequence[str]) -> tuple[Sample, ...]:
    """List the pictures below `place` with their labels, sorted by name.

    Args:
        place: a folder with one subfolder a class (named by label or by output number), a flat folder of pictures
            (no labels), one picture, or a CSV with columns `file` and `label` whose paths start at the CSV's folder.
        labels: of the model, in order.

    Raises:
        FileError: nothing there, no pictures, or a CSV without these columns.
        UnknownName: a class that the model does not know.
    """
    if place.is_dir():
        samples = tuple(_from_folder(place, labels))
    elif place.suffix.lower() == ".csv":
        samples = tuple(_from_csv(place, labels))
    elif place.is_file():
        samples = (Sample(path=place, label=None, name=place.name),)
    else:
        raise FileError(f"cannot read {place}: no such file or folder; expected pictures, class folders or a CSV")
    if not samples:
        raise FileError(f"no pictures in {place}; expected files ending in {', '.join(SUFFIXES)}")
    return samples


def _from_folder(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    classes = sorted(entry for entry in place.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    for folder in classes:
        pictures = list(_pictures(folder))
        label = _index(folder.name, labels, str(folder)) if pictures else None
        for picture in pictures:
            yield Sample(path=picture, label=label, name=picture.relative_to(place).as_posix())
    if not classes:
        for picture in _pictures(place):
            yield Sample(path=picture, label=None, name=picture.name)


def _pictures(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES):
                yield Path(root) / name


def _from_csv(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    rows = csv.DictReader(_read_text(place).splitlines())
    if not {"file", "label"} <= set(rows.fieldnames or ()):
        raise FileError(f"{place} has columns {rows.fieldnames}; expected 'file' and 'label'")
    for number, row in enumerate(rows, start=2):
        name, label = row["file"], row["label"]
        if not name or not label:
            raise FileError(f"{place} line {number}: expected a file and its label, got {name!r} and {label!r}")
        yield Sample(path=place.parent / name, label=_index(label, labels, f"{place} line {number}"), name=name)


def _index(name: str, labels: Sequence[str], where: str) -> int:
    if name in labels:
        return list(labels).index(name)
    if name.isdecimal() and int(name) < len(labels):
        return int(name)
    raise InputError(f"{where}: {unknown('label', name, labels)}")


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise FileError(f"{path} is larger than {MAX_LIST_BYTES} bytes; no list of pictures is")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
