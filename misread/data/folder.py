"""Folders of pictures: one subfolder a class, or none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from misread.data.sample import Sample, number_of, numbers
from misread.pixels import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def from_folder(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    """Yield the pictures of a folder, sorted by name; its subfolders are classes where it has any.

    Raises:
        InputError: a subfolder with pictures is named like no class.
    """
    classes = sorted(entry for entry in place.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    known = numbers(labels)
    for folder in classes:
        pictures = list(_pictures(folder))
        label = number_of(folder.name, known, labels, str(folder)) if pictures else None
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
