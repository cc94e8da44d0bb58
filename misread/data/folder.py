"""Folders of pictures: one subfolder a class, or none."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from misread.data.sample import Sample, number_of
from misread.errors import FileError, InputError
from misread.files import cannot_read
from misread.pixels import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Seen = frozenset[tuple[int, int]]


def from_folder(place: Path, labels: Sequence[str], known: Mapping[str, int]) -> Iterator[Sample]:
    """Look at the class folders at once, then yield the pictures sorted by name, one folder in memory at a time.

    Subfolders are classes where they hold pictures, at any depth. Hidden files and folders are left out; links are
    followed, and a link that leads back to a folder above it is not.

    Args:
        place: the folder.
        labels: of the model, in order.
        known: the output number of each way to write one.

    Raises:
        InputError: a subfolder with pictures is named like no class, or pictures lie beside such subfolders.
        FileError: a folder cannot be listed.
    """
    loose, inner = _listed(place)
    folders = [folder for folder in inner if _holds_pictures(folder)]
    if not folders:
        return (Sample(path=path, label=None, name=path.name) for path in loose)
    if loose:
        raise InputError(
            f"{place} holds class folders, such as {folders[0].name}, and {len(loose)} pictures beside them, such as "
            f"{loose[0].name}; move those into a class folder, or away"
        )
    classes = [(folder, _number(folder, labels, known)) for folder in folders]
    return (
        Sample(path=path, label=label, name=path.relative_to(place).as_posix())
        for folder, label in classes
        for path in _pictures(folder)
    )


def _number(folder: Path, labels: Sequence[str], known: Mapping[str, int]) -> int:
    try:
        return number_of(folder.name, known, labels, str(folder))
    except InputError as error:
        if any(inner.name in known for inner in _listed(folder)[1]):
            raise InputError(
                f"{folder} is named like no class and holds class folders; give --data {folder}"
            ) from error
        raise


def _pictures(folder: Path, above: Seen = frozenset()) -> Iterator[Path]:
    """Yield what lies in a folder, then what lies in those inside it."""
    pictures, inner = _listed(folder)
    yield from pictures
    if not inner:
        return
    above |= {_identity(folder)}
    for deeper in inner:
        if _identity(deeper) not in above:
            yield from _pictures(deeper, above)


def _holds_pictures(folder: Path, above: Seen = frozenset()) -> bool:
    """Look until the first picture is found: a folder of a million is listed once, when it is read."""
    inner = []
    with _listing(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                inner.append(folder / entry.name)
            elif _is_picture(entry.name):
                return True
    above |= {_identity(folder)}
    return any(_holds_pictures(deeper, above) for deeper in inner if _identity(deeper) not in above)


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the pictures and the folders in a folder, each sorted by name."""
    with _listing(folder) as entries:
        shown = sorted((entry.name, entry.is_dir()) for entry in entries)
    pictures = [folder / name for name, is_folder in shown if not is_folder and _is_picture(name)]
    return pictures, [folder / name for name, is_folder in shown if is_folder]


@contextmanager
def _listing(folder: Path) -> Generator[Iterator[os.DirEntry[str]]]:
    """Open a folder; hidden entries are left out."""
    try:
        with os.scandir(folder) as entries:
            yield (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise FileError(cannot_read(folder, error)) from error


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
