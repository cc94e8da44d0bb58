"""The files of a recording as they are written: frames without loss, and an index."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import cv2

from misread.errors import StorageError
from misread.pixels import rgb_to_bgr, write_png
from misread.runtime.camera.log import FrameLog
from misread.runtime.source.recording import FOLDER, INDEX, VERSION, VIDEO, pixel_hash

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from misread.pixels import UInt8
    from misread.runtime.source import Frame, Gap, Health
    from misread.runtime.source.recording import Origin

RESERVE_BYTES: Final = 128 * 2**20  # OpenCV does not say that a disk is full, so the recording stops before it is.


class Tape:
    """Writes frames into `recording/` of a run: FFV1 video, and PNG where the size is odd or another one.

    Where the disk is nearly full, or refuses, it ends with a note; what was written until then can be replayed.

    Args:
        folder: Of the run.
        origin: Goes into the first line.

    """

    def __init__(self, folder: Path, origin: Origin) -> None:
        self._folder, self._origin = folder / FOLDER, origin
        self.frames = 0
        self.ended = False
        self.notes: tuple[str, ...] = ()
        self._index: FrameLog | None = None
        self._video: cv2.VideoWriter | None = None
        self._size_hw: tuple[int, int] | None = None
        self._filmed = 0

    def gap(self, gap: Gap) -> None:
        """Note a gap."""
        if self.ended:
            return
        with self._storage():
            self._write({"event": "gap", **asdict(gap)})

    def add(self, frame: Frame, cue: str | None) -> None:
        """Write a frame, and what was said before it."""
        if self.ended:
            return
        with self._storage():
            self._folder.mkdir(exist_ok=True)
            if shutil.disk_usage(self._folder).free < RESERVE_BYTES + frame.image.nbytes:
                self._stop(f"the disk is nearly full, so the recording ends after {self.frames} frames")
                return
            line = {"event": "frame", "index": frame.index, "time_ns": frame.time_ns, "pts_ms": frame.pts_ms}
            line |= {"part": frame.part, "cue": cue, "file": self._pixels(frame.image)}
            self._write(line | {"sha256": pixel_hash(frame.image)})
            self.frames += 1

    def end(self, health: Health) -> None:
        """Write the last line, with what the source said of itself, and check the film."""
        if self._index is None:
            return
        with self._storage():
            self._write({"event": "end", "frames": self.frames, "dropped": health.dropped, "notes": health.notes})
        self.close()
        if self._filmed:
            film = cv2.VideoCapture(str(self._folder / VIDEO), cv2.CAP_FFMPEG)
            kept = round(film.get(cv2.CAP_PROP_FRAME_COUNT)) if film.isOpened() else 0
            film.release()
            if kept != self._filmed:
                self.notes += (f"{self._filmed} frames were filmed and {kept} are in {VIDEO}; the disk lost the rest",)

    def close(self) -> None:
        """Close the files. May be called twice."""
        if self._video is not None:
            self._video.release()
            self._video = None
        with self._storage():
            if self._index is not None:
                self._index.__exit__(None, None, None)

    @contextmanager
    def _storage(self) -> Generator[None]:
        """End the tape where the disk refuses."""
        try:
            yield
        except (StorageError, OSError, cv2.error) as error:
            reason = error.__cause__ or error
            said = getattr(reason, "strerror", None) or str(reason)
            self._stop(f"the recording ends after {self.frames} frames, since it cannot be written: {said}")

    def _stop(self, why: str) -> None:
        if not self.ended:
            self.notes += (why,)
        self.ended = True

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

    def _write(self, event: dict[str, Any]) -> None:
        if self._index is None:
            self._folder.mkdir(exist_ok=True)
            self._index = FrameLog(self._folder / INDEX)
            self._index.write({"event": "recording", "version": VERSION, **asdict(self._origin)})
        self._index.write(event)
