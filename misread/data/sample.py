"""One picture and its label, and how a label is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError
from misread.pixels import read_image
from misread.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UInt8 = NDArray[np.uint8]


class Rows(Protocol):
    """Pictures that share one file."""

    def read(self, row: int) -> UInt8:
        """Return picture number `row`, (h, w, 3) uint8 RGB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One picture and what it shows.

    Attributes:
        path: the file.
        label: output number of the true label, or None where nobody said.
        name: how results call it: the path below the data folder.
        rows: the file's pictures, where it holds many.
        row: which of them.
    """

    path: Path
    label: int | None
    name: str
    rows: Rows | None = None
    row: int = 0

    def read(self) -> UInt8:
        """Read the picture, (h, w, 3) uint8 RGB.

        Raises:
            FileError: it is missing, truncated or no picture.
        """
        return read_image(self.path) if self.rows is None else self.rows.read(self.row)


def numbers(labels: Sequence[str]) -> dict[str, int]:
    """Return the output number of each way to write a label: its name, else its number in decimal digits."""
    return {str(number): number for number in range(len(labels))} | {name: at for at, name in enumerate(labels)}


def number_of(name: str, known: Mapping[str, int], labels: Sequence[str], where: str) -> int:
    """Return the output number of the label written as `name`; `known` is what `numbers` returned.

    Raises:
        InputError: no such label; `where` says who wrote it.
    """
    found = known.get(name)
    if found is None and name.isdecimal() and len(name) < 10:
        found = known.get(str(int(name)))
    if found is None:
        raise InputError(f"{where}: {unknown('label', name, labels)}")
    return found
