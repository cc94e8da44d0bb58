"""A video file: every frame, none dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import cv2

from misread.errors import FileError
from misread.runtime.source.capture import grab, open_capture, properties, stamp_ms
from misread.runtime.source.frame import Frame, Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from misread.runtime.source.frame import FrameSource
    from misread.runtime.source.options import SourceOptions

_MAX_TOLD: Final = 10_000_000  # Above this, a container's frame count is garbage.


class Video:
    """Whatever FFmpeg reads from a file."""

    name: ClassVar[str] = "video"
    example: ClassVar[str] = "drive.mp4"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text is a file that exists."""
        return Path(text).is_file()

    @classmethod
    def open(cls, text: str, options: SourceOptions) -> FrameSource:
        """Open the file."""
        return cls(Path(text), fps=options.fps)

    def __init__(self, path: Path, *, fps: float = 30.0) -> None:
        capture = open_capture(str(path.resolve()), cv2.CAP_FFMPEG)
        if capture is None:
            raise FileError(f"{path} is not a video that can be decoded, or it is cut off before its first frame")
        self._path, self._capture, self._notes = path, capture, list[str]()
        self._properties = properties(capture)
        told = float(capture.get(cv2.CAP_PROP_FPS))
        self._fps = told if 0 < told <= 1000 else fps
        self._told = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def frames(self) -> Iterator[Frame]:
        """Hand out every frame; a file that is cut off ends early with a note.

        Raises:
            FileError: Not one frame can be decoded.

        """
        index = 0
        last_ns = -1
        while (image := grab(self._capture)) is not None:
            pts_ms = stamp_ms(self._capture)
            time_ns = round(pts_ms * 1e6) if pts_ms is not None else -1
            if time_ns <= last_ns:  # No stamps, or stamps that stand still: count frames instead.
                time_ns = last_ns + round(1e9 / self._fps) if index else 0
            last_ns = time_ns
            yield Frame(image=image, index=index, time_ns=time_ns, pts_ms=pts_ms)
            index += 1
        if index == 0:
            raise FileError(f"{self._path} holds no frame that can be decoded; is it cut off?")
        if 0 < self._told < _MAX_TOLD and index < self._told:
            self._notes.append(f"the file tells of {self._told:.0f} frames and {index} could be decoded; it is cut off")

    def health(self) -> Health:
        """Tell what the container says, and whether the file was cut off."""
        return Health(properties=self._properties, notes=tuple(self._notes))

    def close(self) -> None:
        """Close the file."""
        self._capture.release()
