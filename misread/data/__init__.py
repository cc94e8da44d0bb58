"""Labelled pictures on disk: class folders, a flat folder, CSV, JSONL, npz. Pictures are read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from misread.data.classes import read_classes, sorted_classes
from misread.data.folder import from_folder
from misread.data.lists import from_csv, from_jsonl
from misread.data.npz import from_npz
from misread.data.sample import Sample, numbers
from misread.data.stream import in_order, spread
from misread.errors import FileError
from misread.pixels import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Sample",
    "Samples",
    "find_samples",
    "in_order",
    "read_classes",
    "sorted_classes",
    "spread",
    "stream_samples",
]

_LISTS: Final = {".csv": from_csv, ".tsv": from_csv, ".jsonl": from_jsonl, ".ndjson": from_jsonl, ".npz": from_npz}
_OTHERS: Final = (".json", ".txt", ".npy", ".parquet", ".zip", ".tar", ".gz", ".xz")
_EXPECTED: Final = "expected pictures, class folders, a CSV, JSONL or npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Pictures and their labels, to be gone through once.

    Attributes:
        each: the samples, in order.
        total: how many, or None where that is known at the end only: a folder is listed as it is read.
    """

    each: Iterator[Sample]
    total: int | None


def stream_samples(
    place: Path, labels: Sequence[str], *, names: Mapping[str, int] | None = None, limit: int | None = None
) -> Samples:
    """List the pictures below `place` as they are needed, so that a folder of any size takes no memory.

    What can be wrong with labels is found at once: lists are read whole, and class folders by their names.

    Args:
        place: as for `find_samples`.
        labels: of the model, in order.
        names: as for `find_samples`.
        limit: at most so many pictures, spread evenly; these are listed beforehand.

    Raises:
        FileError: nothing there, no pictures, or a list or an array that is not as described.
        InputError: a class that the model does not know.
        OptionError: a limit below 1.
    """
    if limit is None and place.is_dir():
        each = from_folder(place, labels, numbers(labels, names))
        first = next(each, None)
        if first is None:
            raise _empty(place)
        return Samples(each=_after(first, each), total=None)
    chosen = spread(find_samples(place, labels, names=names), limit)
    return Samples(each=iter(chosen), total=len(chosen))


def find_samples(place: Path, labels: Sequence[str], *, names: Mapping[str, int] | None = None) -> tuple[Sample, ...]:
    """List the pictures below `place` with their labels: folders sorted by name, lists and arrays in their order.

    Args:
        place: a folder with one subfolder a class (named by label or by output number), a flat folder of pictures
            (no labels), one picture, a CSV with columns `file` and `label` (other usual names are known), a JSONL
            file whose lines are objects with `file` and `label` (paths start at the list's folder), or an npz with
            `images` (n, h, w), (n, h, w, 1) or (n, h, w, 3) uint8 and, where they are known, `labels` (n,).
        labels: of the model, in order.
        names: what the data call the classes, where that is neither, as `read_classes` reads it.

    Raises:
        FileError: nothing there, no pictures, or a list or an array that is not as described.
        InputError: a class that the model does not know.
    """
    kind = place.suffix.lower()
    if place.is_dir():
        samples = tuple(from_folder(place, labels, numbers(labels, names)))
    elif kind in _LISTS:
        samples = tuple(_LISTS[kind](place, labels, numbers(labels, names)))
    elif place.is_file() and kind not in _OTHERS:
        samples = (Sample(path=place, label=None, name=place.name),)
    elif place.is_file():
        raise FileError(f"{place} is none of the forms in which pictures are given; {_EXPECTED}")
    else:
        raise FileError(f"cannot read {place}: no such file or folder; {_EXPECTED}")
    if not samples:
        raise _empty(place)
    return samples


def _after(first: Sample, rest: Iterator[Sample]) -> Iterator[Sample]:
    yield first
    yield from rest


def _empty(place: Path) -> FileError:
    return FileError(f"no pictures in {place}; expected files ending in {', '.join(SUFFIXES)}")
