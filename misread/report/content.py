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
class GridCell:
    """The frames of one arm in one bin; `enough` where they are as many as a bin needs to say anything."""

    rate: Rate
    enough: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GridView:
    """Control and changed sign side by side, by where they are seen from.

    `cells` holds two tables, control and changed, of one row per name in `rows` and one cell per name in `columns`;
    None where nothing was filmed.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[tuple[GridCell | None, ...], ...], ...]


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
    grids: tuple[GridView, ...] = ()
    tables: tuple[TableView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelRate:
    """How often one reader misread one exhibit through one channel, simulated or real."""

    exhibit: str
    reader: str
    channel: str
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """The exact sentence of a result; `passed` is None where it judges nothing."""

    sentence: str
    passed: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableView:
    """A table; the first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildsView:
    """What the builds say, side by side: rates as a plot, the rest as tables."""

    rates: tuple[RungView, ...]
    tables: tuple[TableView, ...] = ()
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """One point of one reader's curve: a share of pictures still read right under changes of at most that size."""

    reader: str
    size: str
    rate: Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveView:
    """Robust accuracy by the size of the change, the points in the order of size."""

    title: str
    axis: str
    points: tuple[CurvePoint, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One witness in the list of all: cells as read, what each sorts by, and a small picture, (h, w, 3) uint8 RGB."""

    cells: tuple[str, ...]
    keys: tuple[float | None, ...]
    outcome: str
    image: NDArray[np.uint8] | None = None
    alt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingView:
    """The list of all witnesses, which a reader can sort and filter."""

    head: tuple[str, ...]
    rows: tuple[Listed, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportContent:
    """A whole report; sections with nothing in them are left out.

    `records` are named tables of what really ran (fingerprints, options), `stages` are durations in seconds.
    """

    title: str
    headline: str
    said: tuple[Said, ...] = ()
    created: str = ""
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    builds: tuple[BuildsView, ...] = ()
    curves: tuple[CurveView, ...] = ()
    confusions: tuple[TableView, ...] = ()
    assessments: tuple[BuildsView, ...] = ()
    listings: tuple[ListingView, ...] = ()
    witnesses: tuple[WitnessView, ...] = ()
    rungs: tuple[RungView, ...] = ()
    ladder_note: str = ""
    cameras: tuple[CameraView, ...] = ()
    channels: tuple[ChannelRate, ...] = ()
    records: tuple[tuple[str, Mapping[str, str]], ...] = ()
    commands: tuple[str, ...] = ()
    stages: tuple[tuple[str, float], ...] = ()
