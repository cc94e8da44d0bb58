"""What a report shows, as plain values: whoever has a result fills these in, whoever draws reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from misread.change import Change
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One large figure at the head of the report, and what it counts."""

    value: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What one reader made of one picture."""

    reader: str
    label: str
    confidence: float
    expected: str

    @property
    def misread(self) -> bool:
        """Whether the label is another than the one expected."""
        return self.label != self.expected


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture with its caption, (h, w, 3) uint8 RGB."""

    title: str
    image: NDArray[np.uint8]
    alt: str
    caption: str = ""
    reads: tuple[Read, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessView:
    """A witness side by side: clean, changed, the difference, and how large the change is."""

    name: str
    pictures: tuple[Picture, ...]
    change: Change
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survival:
    """How many witnesses are still misread by one reader on one rung."""

    reader: str
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class RungView:
    """One rung of the ladder, for all readers it was measured on."""

    name: str
    detail: str
    survivals: tuple[Survival, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmFrame:
    """One frame of the film strip, (h, w, 3) uint8 RGB, and what was read in it."""

    image: NDArray[np.uint8]
    read: Read
    clip: int
    time_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmView:
    """One arm before the camera.

    `clips` holds, per clip and frame, whether the sign was misread; None where nothing could be measured.
    """

    arm: str
    title: str
    rate: Rate
    clips: tuple[tuple[bool | None, ...], ...]
    film: tuple[FilmFrame, ...] = ()
    longest_run: int = 0
    first_misread_s: float | None = None
    most_read: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraView:
    """One camera run of one build."""

    reader: str
    source: str
    verdict: str
    gate: str
    gate_passed: bool
    arms: tuple[ArmView, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportContent:
    """A whole report; sections with nothing in them are left out.

    `records` are named tables of what really ran (fingerprints, options), `stages` are durations in seconds.
    """

    title: str
    headline: str
    created: str = ""
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    witnesses: tuple[WitnessView, ...] = ()
    rungs: tuple[RungView, ...] = ()
    ladder_note: str = ""
    cameras: tuple[CameraView, ...] = ()
    records: tuple[tuple[str, Mapping[str, str]], ...] = ()
    commands: tuple[str, ...] = ()
    stages: tuple[tuple[str, float], ...] = ()
