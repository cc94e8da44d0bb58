"""Lists of pictures: CSV and JSON lines, each with a file and its label."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from misread.data.sample import Sample, number_of
from misread.errors import FileError
from misread.files import cannot_read, read_bounded
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MAX_LIST_BYTES: Final = 64 * 2**20
#: How lists call their two columns; the first that is there is taken.
FILE_NAMES: Final = ("file", "filename", "file_name", "path", "filepath", "file_path", "image", "image_path", "img")
LABEL_NAMES: Final = ("label", "class", "target", "classid", "class_id", "label_id", "category")
_DELIMITERS: Final = (",", ";", "\t")
_EXPECTED: Final = f"expected a file ({', '.join(FILE_NAMES)}) and its label ({', '.join(LABEL_NAMES)})"


def from_csv(place: Path, labels: Sequence[str], known: Mapping[str, int]) -> Iterator[Sample]:
    """Yield the pictures that a CSV names, in its order; commas, semicolons or tabs stand between its columns.

    Args:
        place: a file whose first line names a column with files and one with labels.
        labels: of the model, in order.
        known: the output number of each way to write one.

    Raises:
        FileError: it cannot be read, or has not these columns.
        InputError: a label that the model does not know.
    """
    text = _read_text(place)
    try:
        head = next(iter(csv.reader(io.StringIO(text.partition("\n")[0]))), [])
        for delimiter in _DELIMITERS:
            rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
            columns = _columns(rows.fieldnames or ())
            if columns is not None:
                break
        else:
            raise FileError(f"the first line of {place} says {shorten(', '.join(head), 80)!r}; {_EXPECTED}")
        for row in rows:
            where, name, label = f"{place} line {rows.line_num}", row[columns[0]], row[columns[1]]
            if not name or not label:
                raise FileError(f"{where}: expected a file and its label, got {name!r} and {label!r}")
            yield _sample(place, name, number_of(label, known, labels, where))
    except csv.Error as error:
        raise FileError(f"{place} is no CSV that can be read: {error}") from error


def from_jsonl(place: Path, labels: Sequence[str], known: Mapping[str, int]) -> Iterator[Sample]:
    """Yield the pictures of a JSONL file, one object a line: `{"file": "a.png", "label": "Stop"}`; empty lines pass.

    A label is a name or an output number; other keys are left alone. Arguments as for `from_csv`.

    Raises:
        FileError: it cannot be read, or a line is no such object.
        InputError: a label that the model does not know.
    """
    for number, line in enumerate(_read_text(place).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{place} line {number}"
        name, label = _named(line, where)
        yield _sample(place, name, number_of(label, known, labels, where))


def _columns(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the names of the column of files and of that of labels, None where one is missing."""
    plain = {str(name).strip().casefold(): name for name in names}
    file = next((plain[known] for known in FILE_NAMES if known in plain), None)
    label = next((plain[known] for known in LABEL_NAMES if known in plain), None)
    return None if file is None or label is None else (file, label)


def _sample(place: Path, name: str, label: int) -> Sample:
    """Find a listed file: below the list's folder, or wherever its path leads; the list is the user's own.

    A path with backslashes was written on Windows, unless a file of that very name is there.
    """
    name = name.strip()
    path = place.parent / name
    if "\\" in name and not path.exists():
        path = place.parent / name.replace("\\", "/")
    return Sample(path=path, label=label, name=name)


def _named(line: str, where: str) -> tuple[str, str]:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{where} is no JSON object: {error}") from error
    columns = _columns(entry) if isinstance(entry, dict) else None
    name, label = (None, None) if columns is None else (entry[columns[0]], entry[columns[1]])
    whole = isinstance(label, int) and not isinstance(label, bool)
    if not (isinstance(name, str) and name and (whole or (isinstance(label, str) and label))):
        raise FileError(f"{where}: expected an object with 'file' and 'label', got {line.strip()[:80]!r}")
    return name, str(label)


def _read_text(path: Path) -> str:
    try:
        return read_bounded(path, MAX_LIST_BYTES, "list of pictures").decode("utf-8-sig")
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
