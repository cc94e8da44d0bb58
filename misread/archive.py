"""Zip archives of strangers: what their headers declare, checked before a member is opened."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from misread.errors import FileError
from misread.files import open_plain
from misread.sniff import HEAD_BYTES, kind_of_bytes

if TYPE_CHECKING:
    from pathlib import Path

#: Of the list of members, which Python keeps whole in memory.
MAX_LIST_BYTES: Final = 16 * 2**20
ZIP_MARK: Final = b"PK\x03\x04"
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_LONGEST_COMMENT: Final = 2**16
_LINK: Final = stat.S_IFLNK


def is_archive(path: Path) -> bool:
    """Tell whether a file starts as zip archives do; what torch reads as one is told by that alone.

    Raises:
        FileError: no plain file.
        OSError: it cannot be read.
    """
    with open_plain(path, "file") as stream:
        return stream.read(len(ZIP_MARK)) == ZIP_MARK


@contextmanager
def open_archive(path: Path, what: str) -> Generator[zipfile.ZipFile]:
    """Open a zip archive whose members all have plain names of their own, and whose sizes add up.

    Args:
        path: of the file.
        what: it should be, for messages.

    Raises:
        FileError: no zip archive, or one with a member that is absolute, above the archive, a link, there twice, or
            larger than the file itself can hold without compression.
        OSError: it cannot be read.
    """
    with open_plain(path, what) as stream:
        try:
            archive = _checked(stream, path, what)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
            raise FileError(f"{path} is not a whole {what}: {error}; copy it again") from error
        with archive:
            yield archive


def _checked(stream: IO[bytes], path: Path, what: str) -> zipfile.ZipFile:
    head = stream.read(HEAD_BYTES)
    if head[:4] != ZIP_MARK:
        kind = kind_of_bytes(head)
        raise FileError(f"{path} is no {what}" + f", but {kind}" * bool(kind) + "; give the file that was meant")
    size = os.fstat(stream.fileno()).st_size
    listed = _list_bytes(stream, size)
    if listed > MAX_LIST_BYTES:
        raise FileError(f"{path} lists its members in {listed} bytes; at most {MAX_LIST_BYTES} are read")
    archive = zipfile.ZipFile(stream)
    members = archive.infolist()
    for member in members:
        reason = _odd(member)
        if reason:
            raise FileError(f"{path} is no {what} that is read: its member {member.filename[:80]!r} {reason}")
    twice = next((name for name, times in Counter(archive.namelist()).items() if times > 1), None)
    if twice is not None:
        raise FileError(f"{path} is no {what} that is read: its member {twice[:80]!r} is there twice")
    if sum(member.compress_size for member in members) > size:
        raise FileError(f"{path} is no {what} that is read: its members take more than its {size} bytes")
    return archive


def _odd(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with a member, empty for nothing."""
    name = member.filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        return "has a name that leaves the archive"
    if stat.S_IFMT(member.external_attr >> 16) == _LINK:
        return "is a link"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
        return f"is not compressed and says that {member.compress_size} bytes are {member.file_size}"
    return ""


def _list_bytes(stream: IO[bytes], size: int) -> int:
    """Return how long the list of members says it is, by the record at the archive's end."""
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    stream.seek(start)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        return 0  # zipfile says that it is none
    listed = int(_END.unpack_from(tail, at)[5])
    before = start + at - _LOCATOR_64.size
    if before >= 0:
        stream.seek(before)
        mark, _, record, _ = _LOCATOR_64.unpack(stream.read(_LOCATOR_64.size))
        if mark == b"PK\x06\x07" and record + _END_64.size <= size:
            stream.seek(record)
            listed = max(listed, int(_END_64.unpack(stream.read(_END_64.size))[8]))
    return listed
