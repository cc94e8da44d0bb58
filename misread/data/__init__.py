"""Labelled pictures on disk: class folders, a flat folder, CSV, JSONL, npz. Pictures are read one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.data.folder import from_folder
from misread.data.lists import from_csv, from_jsonl
from misread.data.npz import from_npz
from misread.data.sample import Sample
from misread.data.stream import in_order, spread
from misread.errors import FileError
from misread.pixels import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Sample", "find_samples", "in_order", "spread"]


def find_samples(place: Path, labels: Sequence[str]) -> tuple[Sample, ...]:
    """List the pictures below `place` with their labels: folders sorted by name, lists and arrays in their order.

    Args:
        place: a folder with one subfolder a class (named by label or by output number), a flat folder of pictures
            (no labels), one picture, a CSV with columns `file` and `label`, a JSONL file whose lines are objects with
            `file` and `label` (paths start at the list's folder), or an npz with `images` (n, h, w), (n, h, w, 1) or
            (n, h, w, 3) uint8 and, where they are known, `labels` (n,).
        labels: of the model, in order.

    Raises:
        FileError: nothing there, no pictures, or a list or an array that is not as described.
        InputError: a class that the model does not know.
    """
    if place.is_dir():
        samples = tuple(from_folder(place, labels))
    elif place.suffix.lower() == ".csv":
        samples = tuple(from_csv(place, labels))
    elif place.suffix.lower() == ".jsonl":
        samples = tuple(from_jsonl(place, labels))
    elif place.suffix.lower() == ".npz":
        samples = tuple(from_npz(place, labels))
    elif place.is_file():
        samples = (Sample(path=place, label=None, name=place.name),)
    else:
        raise FileError(
            f"cannot read {place}: no such file or folder; expected pictures, class folders, a CSV, JSONL or npz"
        )
    if not samples:
        raise FileError(f"no pictures in {place}; expected files ending in {', '.join(SUFFIXES)}")
    return samples
