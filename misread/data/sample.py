"""One picture and its label, and how a label is written."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from misread.errors import InputError
from misread.pixels import read_image
from misread.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UInt8 = NDArray[np.uint8]

#: `7`, `007` and what a table's missing values make of it, `7.0`.
_WHOLE: Final = re.compile(r"([0-9]{1,9})(?:\.0)?")
_SYNSET: Final = re.compile(r"n[0-9]{8}")
_SYNSETS: Final = "that is a name of ImageNet's; a file that says what it means is given with --classes"


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


def numbers(labels: Sequence[str], names: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the output number of each way to write a label: what the data call it, its name, its number in digits.

    A name may also be written in lower case and with underscores for spaces, as folders often are, where that means
    one label only.

    Args:
        labels: of the model, in order.
        names: of classes in the data, as `misread.data.classes.read_classes` reads them; these come first.
    """
    times = Counter(_folded(label) for label in labels)
    loosely = {_folded(label): at for at, label in enumerate(labels) if times[_folded(label)] == 1}
    digits = {str(number): number for number in range(len(labels))}
    return loosely | digits | {label: at for at, label in enumerate(labels)} | dict(names or {})


def number_of(name: str, known: Mapping[str, int], labels: Sequence[str], where: str) -> int:
    """Return the output number of the label written as `name`; `known` is what `numbers` returned.

    Raises:
        InputError: no such label; `where` says who wrote it.
    """
    name = name.strip()
    whole = _WHOLE.fullmatch(name)
    ways = (name, str(int(whole[1])) if whole else name, _folded(name))
    found = next((known[way] for way in ways if way in known), None)
    if found is None:
        hint = f"; {_SYNSETS}" if _SYNSET.fullmatch(name) else ""
        raise InputError(f"{where}: {unknown('label', name, labels)}{hint}")
    return found


def _folded(name: str) -> str:
    return name.casefold().replace("_", " ")
