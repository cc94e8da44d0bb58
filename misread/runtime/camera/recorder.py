"""Writes what was filmed without loss, so that a run can be replayed to the same numbers."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

import cv2

from misread.pixels import rgb_to_bgr, write_png
from misread.runtime.camera.log import FrameLog
from misread.runtime.source.recording import FOLDER, INDEX, VERSION, VIDEO, pixel_hash

if TYPE_CHECKING:
    from pathlib import Path

    from misread.pixels import UInt8
    from misread.runtime.board import Arm
    from misread.runtime.source import Frame, Gap, Health
    from misread.runtime.source.recording import Origin

RESERVE_BYTES: Final = 128 * 2**20  # OpenCV does not say that a disk is full, so the recording stops before it is.


class Recorder:
    """Writes frames into `recording/` of a run: FFV1 video, and PNG where the size is odd or another one.

    Args:
        folder: Of the run.
        origin: Goes into the first line.
        on: Whether it records from the first frame; it can be switched later.

    Raises:
        StorageError: The folder may not be written.

    """

    def __init__(self, folder: Path, origin: Origin, *, on: bool = True) -> None:
        self._folder, self._origin, self.on = folder / FOLDER, origin, on
        self.frames = 0
        self.notes: tuple[str, ...] = ()
        self._cue: Arm | str | None = None
        self._index: FrameLog | None = None
        self._video: cv2.VideoWriter | None = None
        self._size_hw: tuple[int, int] | None = None
        self._filmed = 0

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files, also after a failure."""
        self._release()
        if self._index is not None:
            self._index.__exit__(None, None, None)

    def cue(self, arm: Arm | None) -> None:
        """Note that a clip was ended, perhaps for another arm; it goes with the next frame."""
        self._cue = arm or self._cue or ""

    def gap(self, gap: Gap) -> None:
        """Note a gap."""
        if self.on:
            self._write({"event": "gap", **asdict(gap)})

    def add(self, frame: Frame) -> None:
        """Write a frame. Where the disk is nearly full the recording ends, and the run goes on.

        Raises:
            StorageError: The disk refuses nevertheless.

        """
        if not self.on:
            self._cue = self._cue or ""  # what is filmed next is another clip
            return
        if shutil.disk_usage(self._folder.parent).free < RESERVE_BYTES + frame.image.nbytes:
            self.on = False
            self.notes += (f"the disk is nearly full, so the recording ends after {self.frames} frames",)
            return
        self._folder.mkdir(exist_ok=True)
        line = {"event": "frame", "index": frame.index, "time_ns": frame.time_ns, "pts_ms": frame.pts_ms}
        line |= {"part": frame.part, "cue": self._cue, "file": self._pixels(frame.image)}
        self._write(line | {"sha256": pixel_hash(frame.image)})
        self._cue = None
        self.frames += 1

    def end(self, health: Health) -> None:
        """Write the last line, with what the source said of itself, and check the film."""
        if self._index is None:
            return
        self._write({"event": "end", "frames": self.frames, "dropped": health.dropped, "notes": health.notes})
        self._release()
        if self._filmed:
            film = cv2.VideoCapture(str(self._folder / VIDEO), cv2.CAP_FFMPEG)
            kept = round(film.get(cv2.CAP_PROP_FRAME_COUNT)) if film.isOpened() else 0
            film.release()
            if kept != self._filmed:
                self.notes += (f"{self._filmed} frames were filmed and {kept} are in {VIDEO}; the disk lost the rest",)

    def _pixels(self, image: UInt8) -> str:
        """Write a picture into the film, or as a file of its own; return which."""
        size = (image.shape[0], image.shape[1])
        if self._size_hw is None and not (size[0] % 2 or size[1] % 2):  # FFV1 in OpenCV cuts odd sizes to even
            fourcc = cv2.VideoWriter.fourcc(*"FFV1")
            video = cv2.VideoWriter(str(self._folder / VIDEO), cv2.CAP_FFMPEG, fourcc, 30.0, size[::-1], isColor=True)
            if video.isOpened():
                self._video, self._size_hw = video, size
        if self._video is not None and size == self._size_hw:
            self._video.write(rgb_to_bgr(image))
            self._filmed += 1
            return VIDEO
        name = f"{self.frames:06d}.png"
        write_png(self._folder / name, image)
        return name

    def _release(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None

    def _write(self, event: dict[str, Any]) -> None:
        if self._index is None:
            self._folder.mkdir(exist_ok=True)
            self._index = FrameLog(self._folder / INDEX)
            self._index.write({"event": "recording", "version": VERSION, **asdict(self._origin)})
        self._index.write(event)
