"""What the demo is asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from misread.errors import OptionError
from misread.files import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.report.content import ReportContent
    from misread.runtime.fingerprint import Fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What to show, and where it goes.

    Attributes:
        out: folder of everything that the demo makes; whole or absent.
        seed: of every draw.
        overwrite: replace the folder.
        camera: film the signs with the virtual camera too.
        steps: of the search for the change that survives the camera.
        clips: of each picture before the camera; below 5 there is no interval and no verdict.
        frames_per_clip: frames in each.

    Raises:
        OptionError: a number that shows nothing.

    """

    out: Path = Path("misread-demo")
    seed: int = 0
    overwrite: bool = False
    camera: bool = True
    steps: int = 48
    clips: int = 8
    frames_per_clip: int = 9

    def __post_init__(self) -> None:
        """Refuse what shows nothing."""
        if not 0 <= self.seed < 2**31:
            message = f"a seed is a whole number from 0 to {2**31 - 1}, got {self.seed}"
            raise OptionError(message)
        if not (self.steps >= 1 and self.clips >= 1 and self.frames_per_clip >= 1):
            message = f"steps, clips and frames start at 1, got {self.steps}, {self.clips}, {self.frames_per_clip}"
            raise OptionError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Something that the demo promises to show, and whether this run did.

    Attributes:
        what: the promise.
        met: whether it was kept.
        found: what was measured.

    """

    what: str
    met: bool
    found: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoResult:
    """What the demo made and measured.

    Attributes:
        folder: where everything lies.
        report: the HTML file.
        sentence: what happened, in numbers.
        expectations: what the demo promises, each with what was found.
        stages: name and wall-clock seconds of each stage.
        files: what lies where: a word on it, and its path.
        content: all that the report shows.
        fingerprints: of the builds that judged, by name.

    """

    folder: Path
    report: Path
    sentence: str
    expectations: tuple[Expectation, ...]
    stages: tuple[tuple[str, float], ...]
    files: tuple[tuple[str, Path], ...]
    content: ReportContent
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return all(expectation.met for expectation in self.expectations)

    @property
    def exit_code(self) -> int:
        """0 when every promise was kept, else 1."""
        return 0 if self.passed else 1

    @property
    def seconds(self) -> float:
        """Wall-clock time of all stages together."""
        return sum(seconds for _, seconds in self.stages)

    def document(self) -> dict[str, Any]:
        """Give the result for JSON: everything but the pictures."""
        names = ("folder", "report", "sentence", "passed", "expectations", "seconds", "fingerprints")
        document: dict[str, Any] = {name: jsonable(getattr(self, name)) for name in names}
        return {**document, "stages": dict(self.stages), "files": {name: str(path) for name, path in self.files}}
