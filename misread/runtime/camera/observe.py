"""What one frame said."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.pixels import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from misread.card import ModelCard
    from misread.pixels import UInt8
    from misread.runtime.board import Arm
    from misread.runtime.camera.clips import Place
    from misread.runtime.camera.guide import Prompt
    from misread.runtime.camera.locate import Crop, Target
    from misread.runtime.camera.locate.sight import Sight
    from misread.runtime.camera.subject import Subject
    from misread.runtime.session import Reader, Reading
    from misread.runtime.source import Frame

TOP: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Readout:
    """What one build read from one crop.

    Attributes:
        build: Name of the build.
        crop: `raw` (the upright box in the frame) or `rectified` (perspective undone).
        label: What it read.
        confidence: Softmax of that label, 0 to 1.
        margin: Logit of the right label less the largest other; negative when misread; None when nobody said.
        top: The likeliest labels with their softmax, the largest first.

    """

    build: str
    crop: Crop
    label: str
    confidence: float
    margin: float | None
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What was asked of the run so far.

    Attributes:
        arm: What hangs there, where no markers name it.
        counting: Whether frames count.
        recording: Whether frames are kept; None where there is no place for them.
        age_ms: How long ago the frame was grabbed; None where it comes from a file.

    """

    arm: Arm = "clean"
    counting: bool = True
    recording: bool | None = None
    age_ms: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A frame, what was seen in it and what was read from it; in guided mode also what to do next."""

    frame: Frame
    place: Place
    subject: Subject | None
    target: Target | None
    crops: Mapping[Crop, UInt8]
    readouts: tuple[Readout, ...]
    prompt: Prompt | None = None
    status: Status = field(default_factory=Status)

    def record(self) -> dict[str, object]:
        """Give one line of the log."""
        subject, target = self.subject, self.target
        return {
            "event": "frame",
            "index": self.frame.index,
            "time_ns": self.frame.time_ns,
            "pts_ms": self.frame.pts_ms,
            "clip": self.place.clip,
            "exhibit": subject.name if subject else None,
            "arm": subject.arm if subject else None,
            "label": subject.label if subject else None,
            "located": target is not None,
            "markers": target.markers if target else 0,
            "size_px": round(target.size_px, 2) if target else None,
            "sight": _rounded(target.sight) if target else None,
            "corners": target.corners.round(2) if target else None,
            "readouts": self.readouts,
        }


def _rounded(sight: Sight | None) -> dict[str, float | None] | None:
    if sight is None:
        return None
    return {name: None if value is None else round(value, 3) for name, value in asdict(sight).items()}


def read_crops(readers: Sequence[Reader], crops: Mapping[Crop, UInt8], subject: Subject | None) -> tuple[Readout, ...]:
    """Let every build read the identical crops.

    Raises:
        UnknownName: A build does not know the subject's label.

    """
    return readouts(readers, crops, prepare(readers, crops, fills=bool(subject and subject.prepared))(), subject)


def prepare(
    readers: Sequence[Reader], crops: Mapping[Crop, UInt8], *, fills: bool
) -> Callable[[], tuple[Reading, ...]]:
    """Prepare crops for every build; return what reads them, which another thread may call.

    Args:
        readers: The builds.
        crops: What they are to read.
        fills: Whether the picture was prepared before, so that it fills the input.

    """
    images = list(crops.values())
    calls: list[Callable[[], Reading]] = []
    prepared: dict[ModelCard, UInt8] = {}  # builds of one model are fed alike, so prepare once
    for reader in readers:
        card = reader.card
        if card.baked_preprocessing and not fills:
            calls.append(partial(reader.read, images))
            continue
        if card not in prepared:
            # A prepared picture fills the input: only its size is still to be made right.
            shape = card.stretching() if fills else card
            prepared[card] = np.stack([fit(crop, shape) for crop in images])
        calls.append(partial(reader.read_prepared, prepared[card]))
    return lambda: tuple(call() for call in calls)


def readouts(
    readers: Sequence[Reader], crops: Mapping[Crop, UInt8], readings: Sequence[Reading], subject: Subject | None
) -> tuple[Readout, ...]:
    """Say what every build read from each crop.

    Raises:
        UnknownName: A build does not know the subject's label.

    """
    said = []
    for reader, reading in zip(readers, readings, strict=True):
        label = subject.label if subject else None
        margins = None if label is None else reading.margin([reader.card.index(label)] * len(crops))
        tops = _top(reading)
        for row, crop in enumerate(crops):
            said.append(
                Readout(
                    build=reader.name,
                    crop=crop,
                    label=reading.labels[row],
                    confidence=float(reading.confidence[row]),
                    margin=None if margins is None else float(margins[row]),
                    top=tops[row],
                )
            )
    return tuple(said)


def _top(reading: Reading) -> list[tuple[tuple[str, float], ...]]:
    """Give the likeliest labels of every picture."""
    shares = np.exp(reading.logits - reading.logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    order = np.argsort(-shares, axis=1, kind="stable")[:, :TOP]
    labels = reading.card.labels
    return [
        tuple((labels[one], float(row[one])) for one in best) for row, best in zip(shares, order.tolist(), strict=True)
    ]
