"""What data call the classes, where that is neither a label of the model nor its number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from misread.data.sample import number_of, numbers
from misread.errors import FileError, InputError
from misread.files import cannot_read, read_bounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SORTED: Final = "sorted"
MAX_BYTES: Final = 4 * 2**20


def read_classes(path: Path, labels: Sequence[str]) -> dict[str, int]:
    """Return the output number of each name that data use, such as ImageNet's `n01440764`.

    Args:
        path: a JSON object from name to label or number; one from number to name, or to a list that begins with the
            name, as Keras' `imagenet_class_index.json`; or a text of one name a line in the order of the outputs,
            where more words may follow, as ImageNet's `LOC_synset_mapping.txt`.
        labels: of the model, in order.

    Raises:
        FileError: missing, too large, or none of these.
        InputError: a label that the model does not know, or another number of lines than it has outputs.
    """
    text = _text(path)
    if path.suffix.lower() == ".json":
        return _from_json(path, text, labels)
    lines = text.rstrip().splitlines()
    names = {line.split()[0]: at for at, line in enumerate(lines) if line.strip()}
    if len(names) != len(labels) or len(lines) != len(labels):
        raise InputError(
            f"{path} names {len(names)} classes in {len(lines)} lines, the model has {len(labels)} outputs; give one "
            "name per line in the order of the outputs, or a JSON object from name to label"
        )
    return names


def sorted_classes(folder: Path, labels: Sequence[str]) -> dict[str, int]:
    """Number the class folders in the order of their names, as torchvision's ImageFolder does.

    Raises:
        FileError: no such folder.
        InputError: as many folders as outputs are needed.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise FileError(cannot_read(folder, error)) from error
    if len(names) != len(labels):
        raise InputError(
            f"{folder} holds {len(names)} folders and the model has {len(labels)} outputs; --classes {SORTED} numbers "
            "the folders of one data set that has them all"
        )
    return {name: at for at, name in enumerate(names)}


def _text(path: Path) -> str:
    try:
        return read_bounded(path, MAX_BYTES, "file of class names").decode("utf-8-sig")
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _from_json(path: Path, text: str, labels: Sequence[str]) -> dict[str, int]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict) or not value:
        raise FileError(f'{path} must hold a JSON object such as {{"n01440764": "tench"}} or {{"n01440764": 0}}')
    known = numbers(labels)
    if all(name.isdecimal() for name in value):
        return {_first(path, name): number_of(at, known, labels, str(path)) for at, name in value.items()}
    return {name: number_of(str(_first(path, label)), known, labels, str(path)) for name, label in value.items()}


def _first(path: Path, value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, str | int) or isinstance(first, bool):
        raise FileError(f"{path}: expected a name, a label or a number, got {str(first)[:40]!r}")
    return str(first)
