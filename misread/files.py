"""Files that are whole or absent, and JSON that says what it is."""

from __future__ import annotations

import dataclasses
import enum
import errno
import hashlib
import json
import math
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np

from misread.errors import FileError, InputError, StorageError

MAX_JSON_BYTES = 64 * 2**20
_CHUNK_BYTES = 2**20
#: Halves of surrogate pairs: what a file name that is no UTF-8 is read as. UTF-8 cannot hold them, JSON can.
_HALVES = re.compile("[\ud800-\udfff]")
#: What the operating system says when it is the disk that refuses.
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


@contextmanager
def storage_errors(path: Path, *, only: frozenset[int] | None = None, option: str = "-o") -> Generator[None]:
    """Turn the operating system's refusals to write `path` into one sentence.

    Args:
        path: what was to be written.
        only: error numbers to turn; others pass (a block that does more than write may fail for other reasons).
        option: that named the place.

    Raises:
        StorageError: no space, no permission, no such folder.
    """
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        reason = error.strerror or str(error)
        message = f"cannot write {path}: {reason.lower()}; free some space or choose another place with {option}"
        raise StorageError(message) from error


@contextmanager
def atomic_write(path: Path, *, option: str = "-o") -> Generator[BinaryIO]:
    """Open a file for writing that appears under `path` only when the block ends without an exception.

    Args:
        path: the final name.
        option: that named it, for the message.

    Raises:
        StorageError: the file could not be written; nothing is left behind.
    """
    path = Path(path)
    partial: Path | None = None
    with storage_errors(path, option=option):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".partial", dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, overwrite: bool = False) -> Generator[Path]:
    """Yield a working folder that becomes `path` only when the block ends without an exception.

    Args:
        path: the final name.
        overwrite: replace an existing folder; it stays untouched until the new one is whole.

    Raises:
        InputError: `path` exists and `overwrite` is off.
        StorageError: the folder could not be written; nothing is left behind.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".partial", dir=path.parent))
    try:
        with storage_errors(path, only=DISK_ERRORS):
            yield working
        with storage_errors(path):
            working.chmod(0o777 & ~_umask())
            swap_folder(working, path)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace what is there.

    Raises:
        InputError: `path` exists and `overwrite` is off.
    """
    if not overwrite and path.exists():
        message = f"{path} exists already; add --overwrite to replace it, or choose another name with -o"
        raise InputError(message)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises:
        FileError: the file cannot be read, or is no plain one.
    """
    digest = hashlib.sha256()
    try:
        with open_plain(path, "file to hash") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    return digest.hexdigest()


def write_json(path: Path, value: Any, *, kind: str, schema: int = 1) -> None:
    """Write `value` as a JSON document that carries its kind and schema number.

    Raises:
        StorageError: the file could not be written; nothing is left behind.
    """
    with atomic_write(path) as out:
        out.write(json_bytes(value, kind=kind, schema=schema))


def json_bytes(value: Any, *, kind: str, schema: int = 1) -> bytes:
    """Return `value` (a mapping or a dataclass) as an UTF-8 JSON document with `schema` and `kind` in front."""
    body = jsonable(value)
    document = {"schema": schema, "kind": kind, **body}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return (_HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text) + "\n").encode()


def read_json(path: Path, *, kind: str, schema: int = 1, oldest: int | None = None) -> dict[str, Any]:
    """Read a JSON document written by `write_json`, of `schema` or, where `oldest` is given, of one since then.

    Raises:
        FileError: missing, larger than 64 MiB, no JSON, of another kind, or of a newer schema.
    """
    try:
        document = json.loads(read_bounded(path, MAX_JSON_BYTES, "misread document").decode())
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    except (ValueError, RecursionError) as error:
        message = f"{path} is not a JSON document: {error}"
        raise FileError(message) from error
    if not isinstance(document, dict) or document.get("kind") != kind:
        message = f"{path} is not a {kind} document; expected a JSON object with kind {kind!r}"
        raise FileError(message)
    known = range(schema if oldest is None else oldest, schema + 1)
    if document.get("schema") not in known:
        message = f"{path} has schema {document.get('schema')!r}, this misread reads {schema}; update misread"
        raise FileError(message)
    return document


def read_bounded(path: Path, most: int, what: str) -> bytes:
    """Read a file that may come from a stranger: no pipe, which would hang, no device, which never ends.

    Raises:
        FileError: no plain file, or larger than `most` bytes.
        OSError: it cannot be read.
    """
    with open_plain(path, what) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= most:
            data = stream.read(most + 1)  # it may grow while it is read
            if len(data) <= most:
                return data
            size = len(data)
    message = f"{path} has {size} bytes; a {what} has at most {most}"
    raise FileError(message)


def open_plain(path: Path, what: str) -> BinaryIO:
    """Open a plain file to read: what is opened is looked at, since a name may mean something else a moment later.

    Raises:
        FileError: a pipe, which would hang, or a device, which never ends.
        OSError: it cannot be opened, or is a folder.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except ValueError as error:  # a null in its name
        message = f"{str(path)!r} is no file name: {error}"
        raise FileError(message) from error
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    message = f"{path} is no plain file; expected a {what}"
    raise FileError(message)


def jsonable(value: Any) -> Any:  # noqa: PLR0911  one return per kind reads best
    """Turn dataclasses, enums, paths, tuples and numpy values into what JSON knows; non-finite numbers become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, enum.Enum):
        return jsonable(value.value)
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(entry) for entry in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def cannot_read(path: Path, error: OSError) -> str:
    """Word why a file cannot be read."""
    return f"cannot read {path}: {(error.strerror or str(error)).lower()}"


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def swap_folder(working: Path, path: Path) -> None:
    """Let a whole folder take the place of what is at `path`, which stays if that fails.

    Raises:
        OSError: it cannot be moved there.
    """
    if not path.exists():
        working.replace(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".old", dir=path.parent)) / "old"
    path.replace(old)
    try:
        working.replace(path)
    except OSError:
        old.replace(path)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)
