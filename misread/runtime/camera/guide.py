"""Guided mode: which cell of the grid is still missing, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.runtime.camera.grid import Grid, read_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.camera.grid import Cell
    from misread.runtime.camera.locate.sight import Sight
    from misread.runtime.camera.subject import Subject

_SLACK: Final = 0.05  # Of a bin's width: a board on the edge of two cells stays in the one that it was in.


@dataclass(frozen=True, kw_only=True, slots=True)
class GuideRules:
    """When a cell is filled.

    Attributes:
        grid: The cells; each is to be filled for each exhibit.
        frames: Measured in the cell, at least.
        clips: Of which they come, at least.

    """

    grid: Grid = field(default_factory=lambda: Grid(distances_m=(1.0, 2.0, 3.0), angles_deg=(0.0, 30.0, 60.0)))
    frames: int = 6
    clips: int = 1

    def __post_init__(self) -> None:
        """Refuse cells that are filled before anything was seen."""
        if not (1 <= self.frames <= 10_000 and 1 <= self.clips <= self.frames):
            raise OptionError(f"a cell takes 1 to 10000 frames of at most as many clips, got {self}")


def read_rules(
    *, guided: bool, distances: str | None, angles: str | None, frames: int | None, clips: int | None
) -> GuideRules | None:
    """Read the rules as they are typed; None where nobody asked to be guided.

    Raises:
        OptionError: Cells without guided mode, or without sense.

    """
    if not guided:
        if (distances, angles, frames, clips) != (None,) * 4:
            message = "--distances, --angles, --cell-frames and --cell-clips are for guided mode; add --guided"
            raise OptionError(message)
        return None
    plain = GuideRules()
    clips = plain.clips if clips is None else clips
    return GuideRules(
        grid=read_grid(distances, angles, plain.grid),
        frames=max(plain.frames, clips) if frames is None else frames,
        clips=clips,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A cell that is not filled yet.

    Attributes:
        exhibit: Name of what is to stand there.
        arm: Its condition.
        cell: Where.
        frames: Still missing.
        clips: Still missing.

    """

    exhibit: str
    arm: str
    cell: Cell
    frames: int
    clips: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What to tell who holds the board.

    Attributes:
        text: What to do next.
        filled: Share filled, 0 to 1, per distance and angle, of the exhibit that is asked for.
        here: Cell in which the board stands, or None.
        wanted: Cell that is asked for; None when all are filled.
        missing: Cells still missing, over all exhibits.
        distances: Names of the rows of `filled`, near ones first.
        angles: Names of its columns.

    """

    text: str
    filled: tuple[tuple[float, ...], ...]
    here: Cell | None
    wanted: Cell | None
    missing: int
    distances: tuple[str, ...] = ()
    angles: tuple[str, ...] = ()


class Guide:
    """Counts frames and clips of each exhibit in each cell, and asks for the nearest one that is missing.

    Args:
        exhibits: What is to be shown in every cell, of distinct names.
        rules: When a cell is filled.

    Raises:
        OptionError: There is nothing to show.

    """

    def __init__(self, exhibits: Sequence[Subject], rules: GuideRules | None = None) -> None:
        if not exhibits:
            raise OptionError("guided mode fills the grid for the exhibits of a bundle; add --bundle FOLDER")
        self.rules = rules or GuideRules()
        self._exhibits = {exhibit.name: exhibit for exhibit in exhibits}
        self._frames: dict[tuple[str, Cell], int] = {}
        self._clips: dict[tuple[str, Cell], set[int]] = {}
        self._shown = exhibits[0].name
        self._here: Cell | None = None
        self._seen = False

    def stand(self, subject: Subject | None, sight: Sight | None) -> Cell | None:
        """Take in where the board stands now; give the cell whose change ends a clip.

        A board on an edge, and one whose pose cannot be told for a moment, stays in the cell it was in.
        """
        self._seen = subject is not None
        if subject is None:
            return self._here
        if subject.name != self._shown:
            self._here = None
        self._shown = subject.name
        if sight is not None and sight.distance_m is not None and not self._near(sight.distance_m, sight.angle_deg):
            self._here = self.rules.grid.cell(sight)
        return self._here

    def add(self, sight: Sight | None, clip: int | None) -> None:
        """Count a frame of the exhibit that stands there, measured in this clip."""
        cell = self.rules.grid.cell(sight)
        if cell is None or cell != self._here or clip is None or self._shown not in self._exhibits:
            return
        key = (self._shown, cell)
        self._frames[key] = self._frames.get(key, 0) + 1
        self._clips.setdefault(key, set()).add(clip)

    def missing(self) -> tuple[Missing, ...]:
        """List what is still to be filled, exhibit by exhibit."""
        wanted = (self._missing(name, cell) for name in self._exhibits for cell in self.rules.grid.cells)
        return tuple(one for one in wanted if one.frames or one.clips)

    def prompt(self) -> Prompt:
        """Say what to do next: the nearest missing cell of the board that hangs there, then another board."""
        missing = self.missing()
        # Walking is quicker than changing the print, so a board is finished before the next one is asked for.
        own = [one for one in missing if one.exhibit == self._shown]
        step = min(own or missing, key=self._way, default=None)
        name = step.exhibit if step is not None else self._shown
        filled: dict[int, list[float]] = {}
        for cell in self.rules.grid.cells:
            filled.setdefault(cell[0], []).append(self._share(name, cell))
        return Prompt(
            text=self._text(step),
            filled=tuple(map(tuple, filled.values())),
            here=self._here if self._seen else None,
            wanted=step.cell if step is not None else None,
            missing=len(missing),
            distances=self.rules.grid.names[0],
            angles=self.rules.grid.names[1],
        )

    def _near(self, distance_m: float, angle_deg: float) -> bool:
        """Whether the cell of the last frame, or its edge, still holds this."""
        if self._here is None:
            return False
        for (low, high), value in zip(self.rules.grid.ranges(self._here), (distance_m, angle_deg), strict=True):
            slack = _SLACK * (high - low)
            if not low - slack <= value < high + slack:
                return False
        return True

    def _missing(self, name: str, cell: Cell) -> Missing:
        return Missing(
            exhibit=name,
            arm=self._exhibits[name].arm,
            cell=cell,
            frames=max(self.rules.frames - self._frames.get((name, cell), 0), 0),
            clips=max(self.rules.clips - len(self._clips.get((name, cell), ())), 0),
        )

    def _share(self, name: str, cell: Cell) -> float:
        frames = min(self._frames.get((name, cell), 0) / self.rules.frames, 1.0)
        return min(frames, len(self._clips.get((name, cell), ())) / self.rules.clips)

    def _way(self, one: Missing) -> int:
        row, column = self._here or (0, 0)
        return abs(one.cell[0] - row) + abs(one.cell[1] - column)

    def _text(self, step: Missing | None) -> str:
        if step is None:
            return "all cells are filled"
        board = f"the {step.arm} board"
        if sum(one.arm == step.arm for one in self._exhibits.values()) > 1:
            board += f" ({step.exhibit})"
        distance, angle = self.rules.grid.text(step.cell).split(", ")
        if self._seen and step.exhibit == self._shown and step.cell == self._here:
            if step.frames:
                return f"hold {board} there, {step.frames} more frames"
            return f"take {board} away and bring it back to {distance}, turned {angle}"
        return f"bring {board} to {distance}, turned {angle}"


def missing_text(grid: Grid, missing: Sequence[Missing]) -> str:
    """Say in one sentence what a guided run has not seen, cell by cell."""
    cells: dict[str, list[str]] = {}
    for one in missing:
        cells.setdefault(one.exhibit, []).append(grid.text(one.cell).replace(", ", " at "))
    boards = "; ".join(f"{name}: {', '.join(where)}" for name, where in cells.items())
    return f"not filled are {len(missing)} cells of guided mode: {boards}"
