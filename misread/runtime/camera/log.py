"""The per-frame log: one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from misread.errors import StorageError
from misread.files import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

NAME = "frames.jsonl"


class FrameLog:
    """Writes lines as they come, so that what was seen survives whatever comes after.

    Args:
        path: The file, or None to write nothing.

    Raises:
        StorageError: The disk is full or the folder may not be written.

    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = None
        if path is not None:
            try:
                self._file = path.open("x", encoding="utf-8", buffering=1)  # a line at a time
            except OSError as error:
                raise StorageError(f"cannot write {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as failure:
            raise StorageError(f"cannot write {self._path}: {failure.strerror}") from failure

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a line."""
        if self._file is None:
            return
        line = json.dumps(jsonable(record), ensure_ascii=False, allow_nan=False) + "\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror}; free some space") from error
