"""Class names from a file: one per line, a JSON list, or a CSV with a name column."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from misread.errors import FileError, ModelError
from misread.files import cannot_read, read_bounded
from misread.text import shorten

if TYPE_CHECKING:
    from pathlib import Path

NUMBERED: Final = "none"
MAX_LABEL_BYTES: Final = 4 * 2**20
_NAME_COLUMNS: Final = ("name", "label", "signname", "classname", "class")
_INDEX_COLUMNS: Final = ("index", "id", "classid", "class_id", "class", "number")


def read_labels(path: Path, *, count: int | None = None) -> tuple[str, ...]:
    """Return the labels of a model in the order of its outputs.

    Args:
        path: a file, or the word `none`: the outputs' numbers serve as names then.
        count: how many outputs the model has; None where only the model can tell, and will.

    Raises:
        FileError: missing, too large, or none of the formats.
        ModelError: another number of labels than the model has outputs, or one that stands twice.
    """
    if str(path) == NUMBERED and count is not None:
        return tuple(str(number) for number in range(count))
    labels = _parse(path, _text(path))
    if count is not None and len(labels) != count:
        message = f"{path} holds {len(labels)} labels, the model has {count} outputs; give one label per output"
        raise ModelError(message)
    twice = next((label for label, times in Counter(labels).items() if times > 1), None)
    if twice is not None:
        at = len(labels) - 1 - labels[::-1].index(twice)
        message = f"label {twice!r} stands twice in {path}; tell them apart, such as '{twice} ({at})'"
        raise ModelError(message)
    return labels


def _text(path: Path) -> str:
    try:
        return read_bounded(path, MAX_LABEL_BYTES, "file of labels").decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text; expected one label per line, a JSON list or a CSV with a name column"
        raise FileError(message) from error


def _parse(path: Path, text: str) -> tuple[str, ...]:
    if path.suffix.lower() == ".json":
        return _from_json(path, text)
    if path.suffix.lower() == ".csv":
        return _from_csv(path, text)
    labels = [line.strip() for line in text.rstrip().splitlines()]
    if not all(labels):
        message = f"line {labels.index('') + 1} of {path} is empty; every output needs a label"
        raise FileError(message)
    return tuple(labels)


def _from_json(path: Path, text: str) -> tuple[str, ...]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON: {error}"
        raise FileError(message) from error
    if isinstance(value, Mapping):
        value = _in_order(path, value)
    if not isinstance(value, list) or not all(isinstance(label, str) and label for label in value):
        message = f'{path} must hold a JSON list of label texts, or an object such as {{"0": "stop", "1": "yield"}}'
        raise FileError(message)
    return tuple(value)


def _from_csv(path: Path, text: str) -> tuple[str, ...]:
    rows = csv.DictReader(io.StringIO(text))
    try:
        return _from_rows(path, rows)
    except csv.Error as error:
        message = f"{path} is not a CSV file: {error}"
        raise FileError(message) from error


def _from_rows(path: Path, rows: csv.DictReader[str]) -> tuple[str, ...]:
    columns = {str(name).strip().casefold(): str(name) for name in rows.fieldnames or ()}
    name = next((columns[known] for known in _NAME_COLUMNS if known in columns), None)
    index = next((columns[known] for known in _INDEX_COLUMNS if known in columns and columns[known] != name), None)
    if name is None:
        found = shorten(", ".join(columns) or "none", 120)
        message = f"{path} has the columns {found}; one of {', '.join(_NAME_COLUMNS)} is needed"
        raise FileError(message)
    entries = [(row[index] if index else at, (row[name] or "").strip()) for at, row in enumerate(rows)]
    labels = _in_order(path, dict(entries)) if index else [label for _, label in entries]
    if not all(labels):
        message = f"a label in {path} is empty; every output needs one"
        raise FileError(message)
    return tuple(labels)


def _in_order(path: Path, by_number: Mapping[Any, Any]) -> list[Any]:
    try:
        numbered = {int(number): label for number, label in by_number.items()}
    except (TypeError, ValueError) as error:
        message = f"{path} numbers its labels by something that is no whole number: {error}"
        raise FileError(message) from error
    if sorted(numbered) != list(range(len(by_number))):
        message = f"{path} must number its labels from 0 to {len(by_number) - 1} without a gap"
        raise FileError(message)
    return [numbered[number] for number in range(len(numbered))]
