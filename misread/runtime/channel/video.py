"""A video codec, by the encoder and decoder that OpenCV brings: a file is written and read again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, get_args

import cv2
import numpy as np

from misread.errors import OptionError, StorageError
from misread.pixels import bgr_to_rgb, rgb_to_bgr
from misread.runtime.channel.codec import BEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.pixels import UInt8

Coder = Literal["mp4v", "MJPG"]
_SUFFIX: Final = {"mp4v": ".mp4", "MJPG": ".avi"}
_BACKEND: Final = {"mp4v": cv2.CAP_FFMPEG, "MJPG": cv2.CAP_OPENCV_MJPEG}
_MIN_SIDE: Final = 32
_FPS: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """MPEG-4 part 2 (`mp4v`), which predicts a frame from the last, or motion JPEG.

    While OpenCV opens a stream by FFmpeg it holds a lock that `mp4v` wants too: never film by it in the process that
    opens what is filmed. Motion JPEG goes without FFmpeg.

    Attributes:
        coder: Four letters of the codec.
        quality: Of motion JPEG, 1 to 100; MPEG-4 chooses for itself.

    """

    name: ClassVar[str] = "video"
    coder: Coder = "MJPG"
    quality: float = 75.0

    def __post_init__(self) -> None:
        """Refuse codecs that the wheel does not have, and a quality that they would clamp."""
        if self.coder not in get_args(Coder):
            message = f"the video codec is one of {', '.join(get_args(Coder))}, got {self.coder}"
            raise OptionError(message)
        if not 1 <= self.quality <= BEST:
            message = f"the quality of motion JPEG is 1 to {BEST}, got {self.quality}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Give the picture as the first frame of a video, which is coded by itself."""
        del rng
        return self.clip((image,))[0]

    def clip(self, frames: Sequence[UInt8]) -> tuple[UInt8, ...]:
        """Write and read a clip: as many (h, w, 3) uint8 RGB frames as came, all of one size.

        Raises:
            OptionError: No frame, or frames of several sizes, which a writer would drop unsaid.
            StorageError: The file could not be written, or came back short.

        """
        if len({frame.shape for frame in frames}) != 1:
            message = f"a clip has at least one frame, all of one size, got {len(frames)} frames"
            raise OptionError(message)
        height, width = frames[0].shape[:2]
        with tempfile.TemporaryDirectory(prefix="misread-video-") as folder:
            path = Path(folder) / f"clip{_SUFFIX[self.coder]}"
            _write(path, self, [_even(frame) for frame in frames])
            back = _read(path, _BACKEND[self.coder])
        if len(back) != len(frames):
            message = f"the {self.coder} file holds {len(back)} of {len(frames)} frames; is the disk full?"
            raise StorageError(message)
        return tuple(frame[:height, :width].copy() for frame in back)


def _even(frame: UInt8) -> UInt8:
    """Continue the edge to even sides, which a writer would cut, and to the least that codecs take."""
    height, width = (max(side + side % 2, _MIN_SIDE) for side in frame.shape[:2])
    down, right = height - frame.shape[0], width - frame.shape[1]
    return np.asarray(cv2.copyMakeBorder(frame, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _write(path: Path, video: Video, frames: Sequence[UInt8]) -> None:
    size = (frames[0].shape[1], frames[0].shape[0])
    writer = cv2.VideoWriter(str(path), _BACKEND[video.coder], cv2.VideoWriter.fourcc(*video.coder), _FPS, size)
    try:
        if not writer.isOpened():
            message = f"this OpenCV cannot write {video.coder} to {path}"
            raise StorageError(message)
        if video.coder == "MJPG":
            writer.set(cv2.VIDEOWRITER_PROP_QUALITY, video.quality)
        for frame in frames:
            writer.write(rgb_to_bgr(frame))
    finally:
        writer.release()


def _read(path: Path, backend: int) -> list[UInt8]:
    capture = cv2.VideoCapture(str(path), backend)
    frames: list[UInt8] = []
    try:
        while True:
            there, frame = capture.read()
            if not there:
                return frames
            frames.append(bgr_to_rgb(np.asarray(frame, np.uint8)))
    finally:
        capture.release()
