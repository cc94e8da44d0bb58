"""What `misread assess` is asked; refused before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from misread.assets import scenes_csv
from misread.errors import OptionError
from misread.flags import CardFlags

if TYPE_CHECKING:
    from pathlib import Path

    from misread.attack.threat import Threat


@dataclass(frozen=True, kw_only=True, slots=True)
class AssessOptions:
    """What to assess; the suite has no knobs but the threat.

    Attributes:
        model: An origin, or an ONNX file.
        threat: Norm and eps.
        data: Pictures with labels; None takes the shipped scenes, for `signs` alone.
        builds: Deployed ONNX files; each gets a figure of its own.
        out: Folder for the misread copies, as a bundle; None writes none.
        limit: Take at most so many pictures, spread evenly; None takes all.
        seed: Of all randomness.
        overwrite: Replace an existing bundle.
        resume: Go on with a run that was stopped; it needs `out`, where what is done was kept.
        weights: Of the origin.
        arguments: Of the origin's factory, by name.
        trust: Let the origin's file run code while it is loaded, where its kind does so.
        flags: What the command line says of the card.
        device: `cpu` or `cuda`.

    Raises:
        OptionError: no size, a count below 1, or no pictures.
    """

    model: str
    threat: Threat
    data: Path | None = None
    builds: tuple[Path, ...] = ()
    out: Path | None = None
    limit: int | None = None
    seed: int = 0
    overwrite: bool = False
    resume: bool = False
    weights: Path | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    trust: bool = False
    flags: CardFlags = field(default_factory=CardFlags)
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse before anything is loaded."""
        if self.threat.eps is None:
            raise OptionError("robust accuracy is a share at one size of change; add for instance --eps 8/255")
        if self.limit is not None and not self.limit >= 1:
            raise OptionError(f"limit is at least 1, got {self.limit}; leave it out to take all pictures")
        if not 0 <= self.seed < 2**62:
            raise OptionError(f"seed is a whole number from 0, got {self.seed}")
        if self.resume and self.out is None:
            raise OptionError("a run is kept in the folder of its bundle; give the same -o BUNDLE to resume it")
        if self.data is None and self.model != "signs":
            raise OptionError(f"{self.model} brings no pictures of its own; add --data with labelled ones")
        twice = sorted({str(path) for path in self.builds if self.builds.count(path) > 1})
        if twice:
            raise OptionError(f"{twice[0]} is given twice; every build is assessed once")

    @property
    def pictures(self) -> Path:
        """Where the pictures are."""
        return self.data or scenes_csv()
