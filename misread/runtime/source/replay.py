"""A recorded run, frame by frame as it was: the same pixels, times, gaps and arms named by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import cv2
import numpy as np

from misread.errors import FileError
from misread.pixels import read_image
from misread.runtime.board import ARMS
from misread.runtime.source.capture import grab, open_capture
from misread.runtime.source.frame import Cue, Frame, Gap, Health
from misread.runtime.source.recording import PICTURE, VIDEO, index_of, pixel_hash, read_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from misread.pixels import UInt8
    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

PREFIX: Final = "replay:"
_NOTHING: Final[UInt8] = np.zeros((0, 0, 3), np.uint8)


class Replay:
    """`replay:FOLDER`, or only the folder: what `misread camera --record` wrote."""

    name: ClassVar[str] = "replay"
    example: ClassVar[str] = "replay:run/"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text says so, or is a folder that holds a recording."""
        return text.startswith(PREFIX) or index_of(text) is not None

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """Read the index."""
        del options
        return cls(recording_at(text))

    def __init__(self, index: Path) -> None:
        self._folder = index.parent
        self.origin, self._events, whole = read_index(index)
        self._health = Health(properties=(("recorded from", self.origin.source),))
        ended = bool(self._events) and self._events[-1].get("event") == "end"
        if not (whole and ended):
            self._note("the recording was cut off; what was written until then is replayed")
        self._capture: cv2.VideoCapture | None = None
        self._open = True

    def frames(self) -> Iterator[Frame]:
        """Hand out every recorded frame; one that is not as it was written ends the replay with a note.

        Raises:
            FileError: Not one frame can be read, or a line is not one of a recording.

        """
        count = 0
        for event in self._events:
            if not self._open:
                return
            try:
                frame = self._take(event)
            except (KeyError, TypeError, ValueError) as error:
                raise FileError(f"{self._folder}: the line after {count} frames is none of a recording") from error
            if frame is None:
                continue
            if pixel_hash(frame.image) != event["sha256"]:
                self._note(f"only {count} frames are as they were recorded; the rest was left out")
                break
            yield frame
            count += 1
        if not count:
            raise FileError(f"{self._folder} holds no frame as it was recorded; record once more")

    def health(self) -> Health:
        """Say what the recorded source had said so far."""
        return self._health

    def close(self) -> None:
        """Close the file."""
        self._open = False
        if self._capture is not None:
            self._capture.release()

    def _note(self, text: str) -> None:
        self._health = replace(self._health, notes=(*self._health.notes, text))

    def _take(self, event: dict[str, Any]) -> Frame | None:
        """Act on a line; give its frame, of no pixels where they cannot be read."""
        kind = event["event"]
        if kind == "gap":
            gap = Gap(**{name: event[name] for name in ("start_ns", "end_ns", "reason", "attempts")})
            self._health = replace(self._health, gaps=(*self._health.gaps, gap))
        elif kind == "end":
            notes = (*(str(note) for note in event["notes"]), *self._health.notes)
            self._health = replace(self._health, dropped=int(event["dropped"]), notes=notes)
        if kind != "frame":
            return None
        arm = event["cue"]
        if arm not in {None, "", *ARMS}:
            raise ValueError(arm)
        return Frame(
            image=self._pixels(event["file"]),
            index=int(event["index"]),
            time_ns=int(event["time_ns"]),
            pts_ms=event["pts_ms"],
            part=event["part"],
            cue=None if arm is None else Cue(arm=arm or None),
        )

    def _pixels(self, file: str) -> UInt8:
        if PICTURE.fullmatch(file):
            return read_image(self._folder / file)
        if file != VIDEO:
            raise ValueError(file)
        if self._capture is None:
            self._capture = open_capture(str((self._folder / VIDEO).resolve()), cv2.CAP_FFMPEG)
        image = None if self._capture is None else grab(self._capture)
        return _NOTHING if image is None else image


def recording_at(text: str) -> Path:
    """Find the index behind `replay:FOLDER` or the folder.

    Raises:
        FileError: There is none.

    """
    name = text.removeprefix(PREFIX)
    index = index_of(name)
    if index is None:
        raise FileError(f"{name} holds no recording; make one with misread camera --record -o FOLDER")
    return index
