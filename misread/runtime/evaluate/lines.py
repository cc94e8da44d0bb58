"""One line for each picture, in a CSV or JSONL file that is whole or absent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from misread.errors import OptionError
from misread.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS: Final = (".csv", ".jsonl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is written of one picture.

    Attributes:
        file: its name in the data.
        label: what it shows.
        read: what it was read as; None where it could not be read.
        confidence: of that, as a fraction.
        place: of the right label among all, 1 for the likeliest.
        error: why it could not be read.
    """

    file: str
    label: str
    read: str | None = None
    confidence: float | None = None
    place: int | None = None
    error: str | None = None


COLUMNS: Final = tuple(Line.__dataclass_fields__)


def check_name(path: Path) -> None:
    """Refuse a file whose format its name does not tell.

    Raises:
        OptionError: it ends in neither.
    """
    if path.suffix.lower() not in FORMATS:
        raise OptionError(f"-o names a file with a line for each picture, .csv or .jsonl, got {path}")


@contextmanager
def writing(path: Path | None) -> Generator[Callable[[Line], None]]:
    """Yield what writes a line; the file appears when the block ends without an exception.

    Raises:
        StorageError: it cannot be written; nothing is left behind.
    """
    if path is None:
        yield lambda _: None
        return
    with atomic_write(path) as out:
        if path.suffix.lower() == ".csv":
            out.write(_csv(COLUMNS))
            yield lambda line: _put(out, _csv([_text(value) for value in asdict(line).values()]))
        else:
            yield lambda line: _put(out, (json.dumps(asdict(line)) + "\n").encode())


def _put(out: BinaryIO, data: bytes) -> None:
    out.write(data)


def _csv(cells: list[str] | tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode(errors="backslashreplace")


def _text(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
