"""A few evenly spaced frames of each exhibit, for the film strip of a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.pixels import write_png

if TYPE_CHECKING:
    from pathlib import Path

    from misread.pixels import UInt8
    from misread.runtime.camera.observe import Observation, Readout
    from misread.runtime.camera.subject import Subject

MAX_SIDE_PX: Final = 240
_AROUND: Final = 0.5  # The picture is 60 % of the board; half of it on each side shows the whole board.


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFrame:
    """What the camera saw, and what was read.

    Attributes:
        exhibit: Name of what was shown.
        arm: Its condition.
        clip: Number of the clip.
        index: Of the frame in its source.
        seconds: Since the first frame that was kept of anything.
        image: (h, w, 3) uint8 RGB around the picture, at most 240 px a side.
        readouts: What each build read from each crop.
        file: Name of the PNG beside the summary, or None when nothing is written.

    """

    exhibit: str
    arm: str
    clip: int
    index: int
    seconds: float
    image: UInt8
    readouts: tuple[Readout, ...]
    file: str | None = None


class KeyFrames:
    """Keeps evenly spaced frames of each exhibit without knowing how long the run will be."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: dict[Subject, list[KeyFrame]] = {}
        self._seen: dict[Subject, int] = {}
        self._stride: dict[Subject, int] = {}
        self._first_ns = 0

    def offer(self, observation: Observation) -> None:
        """Keep the frame if it falls on the grid; when twice too many are kept, the grid becomes twice as wide."""
        subject, target, clip = observation.subject, observation.target, observation.place.clip
        if not self._count or subject is None or target is None or clip is None:
            return
        if not self._seen:
            self._first_ns = observation.frame.time_ns
        number = self._seen.get(subject, 0)
        self._seen[subject] = number + 1
        stride = self._stride.setdefault(subject, 1)
        if number % stride:
            return
        kept = self._kept.setdefault(subject, [])
        kept.append(
            KeyFrame(
                exhibit=subject.name,
                arm=subject.arm,
                clip=clip,
                index=observation.frame.index,
                seconds=(observation.frame.time_ns - self._first_ns) * 1e-9,
                image=_around(observation.frame.image, target.corners),
                readouts=observation.readouts,
            )
        )
        if len(kept) >= 2 * self._count:
            del kept[1::2]
            self._stride[subject] = 2 * stride

    def chosen(self) -> tuple[KeyFrame, ...]:
        """Give the frames, evenly thinned to the wished number."""
        picked: list[KeyFrame] = []
        for kept in self._kept.values():
            count = min(self._count, len(kept))
            picked += [kept[int(place)] for place in np.linspace(0, len(kept) - 1, count).round()]
        return tuple(picked)


def save(frames: tuple[KeyFrame, ...], folder: Path) -> tuple[KeyFrame, ...]:
    """Write the frames as PNG files into `folder`/frames and give them their names.

    Raises:
        StorageError: One could not be written.

    """
    named = []
    for number, frame in enumerate(frames):
        name = f"frames/{number:03d}-{frame.arm}.png"
        (folder / "frames").mkdir(exist_ok=True)
        write_png(folder / name, frame.image)
        named.append(replace(frame, file=name))
    return tuple(named)


def _around(frame: UInt8, corners: np.ndarray) -> UInt8:
    height, width = frame.shape[:2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    # A square of one size for all of them, so that a film strip stands in line.
    side = float((high - low).max()) * (1 + 2 * _AROUND)
    side = min(side, float(min(height, width)))
    centre = (low + high) / 2
    left = int(np.clip(centre[0] - side / 2, 0, width - side))
    top = int(np.clip(centre[1] - side / 2, 0, height - side))
    cut = frame[top : top + int(side), left : left + int(side)]
    if side <= MAX_SIDE_PX:
        return cut.copy()
    return np.asarray(cv2.resize(cut, (MAX_SIDE_PX, MAX_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
