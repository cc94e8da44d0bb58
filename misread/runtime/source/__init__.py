"""Frame sources. A new one is one file and one line in `SOURCES`."""

from __future__ import annotations

from typing import Final, Protocol

from misread.errors import InputError
from misread.runtime.source.device import Device
from misread.runtime.source.folder import Folder
from misread.runtime.source.footage import Footage
from misread.runtime.source.frame import Awaited, Cue, Frame, FrameSource, Gap, Health, Known
from misread.runtime.source.lock import Lock
from misread.runtime.source.options import SourceOptions
from misread.runtime.source.replay import Replay
from misread.runtime.source.screen import Screen
from misread.runtime.source.stream import Stream
from misread.runtime.source.synthetic import Virtual
from misread.runtime.source.video import Video


class SourceKind(Protocol):
    """A kind of source: which texts it takes, and how it opens them."""

    name: str
    example: str

    def accepts(self, text: str) -> bool:
        """Whether this kind opens the text."""
        ...

    def open(self, text: str, options: SourceOptions) -> FrameSource:
        """Open it."""
        ...


SOURCES: Final[tuple[SourceKind, ...]] = (Virtual, Device, Screen, Stream, Footage, Replay, Folder, Video)


def open_source(text: str, options: SourceOptions | None = None) -> FrameSource:
    """Open what the text names.

    Args:
        text: `virtual`, `device:N`, `screen:`, the address of a stream, `replay:FOLDER`, a folder of pictures, or a
            video file.
        options: Time limits, sizes, and what the virtual camera films.

    Raises:
        InputError: No kind of source takes the text, or its file is missing.
        CameraError: The camera or stream does not answer.
        MissingExtra: The source needs PyAV, which is not installed.
        FileError: The file is no video, or the folder holds no pictures.

    """
    for kind in SOURCES:
        if kind.accepts(text):
            return kind.open(text, options or SourceOptions())
    examples = ", ".join(kind.example for kind in SOURCES)
    raise InputError(f"no source {text!r}: no such file or folder, and no camera; a source is one of {examples}")


__all__ = [
    "SOURCES",
    "Awaited",
    "Cue",
    "Frame",
    "FrameSource",
    "Gap",
    "Health",
    "Known",
    "Lock",
    "SourceOptions",
    "open_source",
]
