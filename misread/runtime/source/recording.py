"""How a recording lies on disk: frames without loss, and a line for each with its time and its hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.errors import FileError
from misread.files import cannot_read, open_plain

if TYPE_CHECKING:
    from misread.pixels import UInt8

FOLDER: Final = "recording"
INDEX: Final = "index.jsonl"
VIDEO: Final = "frames.mkv"
VERSION: Final = 1
MAX_BYTES: Final = 2**30
PICTURE: Final = re.compile(r"\d{6,12}\.png", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a recording was made of, so that it can be seen again as it was.

    Attributes:
        source: What was opened.
        locate: How the picture was found.
        expect: The right label where no exhibit said it, or None.
        exhibits: By index: name, arm, label and the SHA-256 of the picture.

    """

    source: str
    locate: str
    expect: str | None = None
    exhibits: dict[str, list[str]] = field(default_factory=dict)


def index_of(text: str) -> Path | None:
    """Find the index of a recording: in the folder, or in the folder of the run that made it; None where it is none."""
    for folder in (Path(text), Path(text) / FOLDER):
        if (folder / INDEX).is_file():
            return folder / INDEX
    return None


def read_index(path: Path) -> tuple[Origin, list[dict[str, Any]], bool]:
    """Read the first line and the others.

    Returns:
        The origin, the events up to the first line that is none, and whether there was no such line.

    Raises:
        FileError: The file cannot be read or is no index of this version.

    """
    try:
        with open_plain(path, "recording") as stream:
            lines = stream.read(MAX_BYTES).splitlines()
    except OSError as error:
        raise FileError(cannot_read(path, error)) from error
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            break
        if not isinstance(event, dict):
            break
        events.append(event)
    head = events[0] if events else {}
    if head.get("event") != "recording" or head.get("version") != VERSION:
        raise FileError(f"{path} is no recording of version {VERSION}; make one with misread camera --record -o FOLDER")
    return _origin(head, path), events[1:], len(events) == len(lines)


def _origin(head: dict[str, Any], path: Path) -> Origin:
    source, locate, expect, exhibits = (head.get(name) for name in ("source", "locate", "expect", "exhibits"))
    named = isinstance(exhibits, dict) and all(isinstance(facts, list) for facts in exhibits.values())
    if not (isinstance(source, str) and isinstance(locate, str) and isinstance(expect, str | None) and named):
        raise FileError(f"the first line of {path} does not say what was filmed; it was changed")
    return Origin(source=source, locate=locate, expect=expect, exhibits=dict(exhibits or {}))


def pixel_hash(image: UInt8) -> str:
    """Return the SHA-256 of the size and pixels of (h, w, 3) uint8 RGB."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
