"""Lists of pictures: CSV and JSON lines, each with a file and its label."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

from misread.data.sample import Sample, number_of, numbers
from misread.errors import FileError
from misread.files import cannot_read, read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_LIST_BYTES: Final = 16 * 2**20


def from_csv(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    """Yield the pictures that a CSV with columns `file` and `label` names, in its order.

    Raises:
        FileError: it cannot be read, or has not these columns.
        InputError: a label that the model does not know.
    """
    rows = csv.DictReader(_read_text(place).splitlines())
    if not {"file", "label"} <= set(rows.fieldnames or ()):
        raise FileError(f"{place} has columns {rows.fieldnames}; expected 'file' and 'label'")
    known = numbers(labels)
    for number, row in enumerate(rows, start=2):
        name, label, where = row["file"], row["label"], f"{place} line {number}"
        if not name or not label:
            raise FileError(f"{where}: expected a file and its label, got {name!r} and {label!r}")
        yield Sample(path=place.parent / name, label=number_of(label, known, labels, where), name=name)


def from_jsonl(place: Path, labels: Sequence[str]) -> Iterator[Sample]:
    """Yield the pictures of a JSONL file, one object a line: `{"file": "a.png", "label": "Stop"}`; empty lines pass.

    A label is a name or an output number.

    Raises:
        FileError: it cannot be read, or a line is no such object.
        InputError: a label that the model does not know.
    """
    known = numbers(labels)
    for number, line in enumerate(_read_text(place).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{place} line {number}"
        name, label = _named(line, where)
        yield Sample(path=place.parent / name, label=number_of(label, known, labels, where), name=name)


def _named(line: str, where: str) -> tuple[str, str]:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{where} is no JSON object: {error}") from error
    name, label = (entry.get("file"), entry.get("label")) if isinstance(entry, dict) else (None, None)
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
