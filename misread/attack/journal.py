"""A run's working folder and its journal: one line a picture, so that a killed run goes on where it stopped.

::

    OUT.part/
      journal.jsonl   a head that says what the run is about, then one line for each picture that is done
      bundle/         the bundle so far; it becomes OUT when the run ends

A line is written, and forced to the disk, after the picture's own files. Whatever a later picture's result depends on
stands in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from misread.errors import FileError, InputError, MisreadError, OptionError
from misread.files import DISK_ERRORS, atomic_write, cannot_read, refuse_existing, storage_errors, swap_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KIND: Final = "misread-journal"
SCHEMA: Final = 1
NAME: Final = "journal.jsonl"
SUFFIX: Final = ".part"

Line = Mapping[str, Any]


class Lines:
    """The lines of a journal's file; only the last is held, since there may be a million."""

    def __init__(self, path: Path) -> None:
        """Begin without a line.

        Args:
            path: The file; its head is none of the lines.
        """
        self._path, self._count, self._last = path, 0, cast("Line", {})
        self.pictures = 0

    def append(self, line: Line) -> None:
        """Count a line that stands in the file. It is about one picture, or about as many as its `pictures` holds."""
        self._count += 1
        self._last = line
        self.pictures += len(line["pictures"]) if "pictures" in line else 1

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def __iter__(self) -> Iterator[Line]:
        """Read them from the file, in order."""
        with self._path.open("rb") as stream:
            yield from (json.loads(raw) for raw in islice(stream, 1, 1 + self._count))

    def __getitem__(self, at: int) -> Line:
        """The last line.

        Raises:
            IndexError: another one is asked for, or there is none.
        """
        if at != -1 or not self._count:
            raise IndexError(at)
        return self._last


@dataclass(kw_only=True, slots=True)
class Journal:
    """An open journal.

    Attributes:
        part: The working folder.
        created: When the run began, ISO 8601 UTC.
        chunk: Pictures attacked together at most, as chosen when the run began.
        lines: Of what is done, in order.
        stream: The file; held open and locked.
    """

    part: Path
    created: str
    chunk: int
    lines: Lines
    stream: BinaryIO

    @property
    def folder(self) -> Path:
        """Of the bundle."""
        return self.part / "bundle"

    def add(self, line: Line) -> None:
        """Write a line so that it outlives the process and the machine's next crash.

        Raises:
            StorageError: it cannot be written.
        """
        with storage_errors(self.part):
            self.stream.write(_encoded(line))
            self.stream.flush()
            os.fsync(self.stream.fileno())
        self.lines.append(line)


@contextmanager
def journal_of(
    out: Path, about: Mapping[str, str], *, total: int, chunk: int, resume: bool, overwrite: bool
) -> Generator[Journal]:
    """Open the journal of the run that writes `out`; the bundle appears under that name when the block ends well.

    Otherwise the working folder stays, if it holds a picture's result, and the error says how to go on.

    Args:
        out: Folder of the bundle.
        about: What the run depends on, by name; a run is not resumed under another of them.
        total: Pictures of the whole run.
        chunk: Pictures attacked together at most; a resumed run keeps its own.
        resume: Go on with a run that was stopped; where there is none, begin.
        overwrite: Replace `out`, and without `resume` a run that was stopped.

    Raises:
        InputError: something is in the way.
        OptionError: the stopped run was about something else.
        FileError: its journal is damaged.
        StorageError: nothing can be written there.
    """
    refuse_existing(out, overwrite=overwrite)
    part = _part_of(out)
    journal = _found(part, about, total, resume=resume, overwrite=overwrite) or _begun(part, about, chunk)
    try:
        with storage_errors(part, only=DISK_ERRORS):
            yield journal
        with storage_errors(out):
            swap_folder(journal.folder, out)
    except BaseException as error:
        if not journal.lines:
            shutil.rmtree(part, ignore_errors=True)
            raise
        kept = (
            f"{journal.lines.pictures} of {total} pictures are kept in {part}; the same command with --resume goes on"
        )
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"stopped; {kept}") from error
        if isinstance(error, MisreadError):
            raise type(error)(f"{error}; {kept}") from error
        raise
    else:
        shutil.rmtree(part, ignore_errors=True)
    finally:
        journal.stream.close()


def digest_of(parts: Iterable[object]) -> str:
    """SHA-256 of texts and numbers in order, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def _part_of(out: Path) -> Path:
    whole = out.absolute()
    if not whole.name or whole.name == "..":
        raise OptionError(f"{out} has no name of its own that a working folder could stand beside; choose another -o")
    return out.with_name(whole.name + SUFFIX) if out.name else whole.with_name(whole.name + SUFFIX)


def _begun(part: Path, about: Mapping[str, str], chunk: int) -> Journal:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    head = {"schema": SCHEMA, "kind": KIND, "created": created, "chunk": chunk, "about": dict(about)}
    try:
        with atomic_write(part / NAME) as out:
            out.write(_encoded(head))
        with storage_errors(part):
            (part / "bundle").mkdir(exist_ok=True)
            return Journal(part=part, created=created, chunk=chunk, lines=Lines(part / NAME), stream=_locked(part))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _found(part: Path, about: Mapping[str, str], total: int, *, resume: bool, overwrite: bool) -> Journal | None:
    """The journal of a run that was stopped, to go on with; None where one is to be begun."""
    if not part.exists():
        return None
    if not (part / NAME).is_file():
        if part.is_dir() and not any(part.iterdir()):
            return None
        raise InputError(f"{part} is in the way and no run that was stopped; move it, or choose another name with -o")
    stream = _locked(part)
    try:
        if resume:
            return _resumed(part, about, stream)
        if overwrite:
            with storage_errors(part):
                shutil.rmtree(part)
            stream.close()
            return None
        done = _read(part, stream)[1].pictures
    except BaseException:
        stream.close()
        raise
    stream.close()
    raise InputError(
        f"{part} holds {done} of {total} pictures of a run that was stopped; add --resume to go on with it, or "
        "--overwrite to begin anew"
    )


def _resumed(part: Path, about: Mapping[str, str], stream: BinaryIO) -> Journal:
    head, lines = _read(part, stream)
    if (head.get("kind"), head.get("schema")) != (KIND, SCHEMA):
        raise FileError(f"{part / NAME} is no journal of this misread's; begin anew with --overwrite")
    for name, now in about.items():
        before = head["about"].get(name)
        if before != now:
            raise OptionError(
                f"{part} was begun with {name} {_short(before)} and this command says {_short(now)}; "
                "type the same command, or --overwrite instead of --resume to begin anew"
            )
    return Journal(part=part, created=head["created"], chunk=head["chunk"], lines=lines, stream=stream)


def _read(part: Path, stream: BinaryIO) -> tuple[Mapping[str, Any], Lines]:
    """Read head and whole lines; one that was being written when the run was killed is cut off.

    Raises:
        FileError: a line is no JSON.
    """
    head: Mapping[str, Any] = {}
    lines, whole = Lines(part / NAME), 0
    stream.seek(0)
    for number, raw in enumerate(stream):
        if not raw.endswith(b"\n"):
            break
        try:
            line = json.loads(raw)
        except ValueError as error:
            raise FileError(f"{part / NAME} line {number + 1} is damaged; begin anew with --overwrite") from error
        if number:
            lines.append(line)
        else:
            head = line
        whole += len(raw)
    with storage_errors(part):
        stream.truncate(whole)
    return head, lines


def _locked(part: Path) -> BinaryIO:
    """Open the journal for reading and appending, for this process alone.

    Raises:
        InputError: another process has it.
        FileError: it cannot be opened.
    """
    try:
        stream = (part / NAME).open("a+b")
    except OSError as error:
        raise FileError(cannot_read(part / NAME, error)) from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise InputError(f"another process is writing {part}; wait for it, or choose another name with -o") from error
    return stream


def _encoded(line: Line) -> bytes:
    return (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _short(text: str | None) -> str:
    said = str(text)
    return said if len(said) <= 60 else f"{said[:57]}…"
