"""What `misread attack` is asked to do; refused before anything is loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from misread.assets import scenes_csv
from misread.attack import ATTACKS
from misread.attack.budget import Budget
from misread.attack.execute import fits_threat
from misread.attack.query import QUERY_ATTACKS
from misread.attack.space import Space
from misread.attack.speed import Pace
from misread.attack.threat import Threat
from misread.attack.transfer import through_stages
from misread.errors import OptionError
from misread.flags import CardFlags
from misread.registry import by_name, unknown
from misread.wish import UNTARGETED, Wish

if TYPE_CHECKING:
    from misread.attack.problem import Attack


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackOptions:
    """What to attack, how, and where the result goes.

    Attributes:
        origin: The classifier: what `misread.export.origin.load_origin` takes, or an ONNX file.
        out: Folder of the bundle.
        data: Pictures: one, a folder, class folders, or a CSV; None takes the shipped scenes, for `signs` alone.
        attack: Name in ``ATTACKS`` or ``QUERY_ATTACKS``.
        settings: Options of the attack that differ from its defaults, as in ``{"steps": 100}``.
        transfer: Stages in front of the attack's gradients, such as ``di,ti``, for copies that others misread too.
        ensemble: More origins or ONNX files; what is attacked is the mean of all of them.
        threat: Norm and size.
        wish: What the changed pictures are to be read as, in labels.
        space: ``input`` changes the prepared picture, ``file`` the picture at its own size.
        builds: ONNX files that judge; what is found is to be misread by them too, where they read the picture right.
        limit: Take at most so many pictures, spread evenly; None takes all.
        passes: Most passes per picture; None is no limit.
        seconds: Most seconds of the whole run; pictures that are not reached are counted as such. None is no limit.
        seed: Of all randomness.
        device: Where torch computes: ``cpu``, ``cuda``, ``cuda:1``.
        chunk: Pictures in one pass. None takes what a short measurement finds quickest, so that a second run may differ
            from the first in the last digits of a logit.
        bfloat16: Take gradients in bfloat16 where the device computes in it and that is quicker. Verdicts stay float32.
        pack_builds: Put the builds into the bundle, with what they say of its pictures here.
        overwrite: Replace an existing bundle.
        resume: Go on with a run that was stopped, where there is one.
        weights: Of the origin.
        arguments: Of the origin's factory, by name.
        trust: Let the origin's file run code while it is loaded, where its kind does so.
        flags: How pictures are prepared, where the classifier does not say.

    Raises:
        UnknownName: no such attack, or it has no such setting.
        OptionError: a value outside its range, or an attack that does not fit the threat.
    """

    origin: str
    out: Path
    data: Path | None = None
    attack: str = "minimal"
    settings: dict[str, Any] = field(default_factory=dict)
    transfer: str = ""
    ensemble: tuple[str, ...] = ()
    threat: Threat = field(default_factory=Threat)
    wish: Wish = UNTARGETED
    space: Space = "input"
    builds: tuple[Path, ...] = ()
    limit: int | None = None
    passes: int | None = None
    seconds: float | None = None
    seed: int = 0
    device: str = "cpu"
    chunk: int | None = None
    bfloat16: bool = False
    pack_builds: bool = False
    overwrite: bool = False
    resume: bool = False
    weights: Path | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    trust: bool = False
    flags: CardFlags = field(default_factory=CardFlags)

    def __post_init__(self) -> None:
        """Refuse before anything is loaded."""
        fits_threat(self.make_attack(), self.threat)
        if self.space not in get_args(Space):
            raise OptionError(unknown("space", self.space, get_args(Space)))
        if self.limit is not None and not self.limit >= 1:
            raise OptionError(f"limit is at least 1, got {self.limit}; leave it out to take all pictures")
        Budget(passes=self.passes, seconds=self.seconds)
        if self.chunk is not None:
            Pace(chunk=self.chunk)
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"seed is a whole number from 0, got {self.seed}")
        if self.data is None and self.origin != "signs":
            raise OptionError(f"{self.origin} brings no pictures of its own; add --data with some that it reads right")
        if self.pack_builds:
            self._check_packed()
        if self.threat.levels is None:
            raise OptionError("a bundle holds 8-bit files; leave levels at 256")

    def _check_packed(self) -> None:
        own = (Path(self.origin),) if self.origin.lower().endswith(".onnx") else ()
        names = Counter(path.name for path in (*own, *self.builds))
        if not names:
            raise OptionError(f"{self.origin} is no build that could be packed; add -m MODEL.onnx, see misread export")
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise OptionError(f"two builds are called {twice[0]}; packed builds need names of their own, rename one")

    @property
    def pictures(self) -> Path:
        """Where the pictures are."""
        return self.data or scenes_csv()

    @property
    def only_asks(self) -> bool:
        """Whether the attack needs no gradients."""
        return isinstance(self.make_attack(), QUERY_ATTACKS)

    def make_attack(self) -> Attack:
        """The attack with its settings."""
        kind = by_name("attack", (*ATTACKS, *QUERY_ATTACKS), self.attack)
        known = {field.name: field.default for field in fields(cast("Any", kind))}
        for name, value in self.settings.items():
            by_name(f"setting of {self.attack}", tuple(known), name, key=str)
            _check_kind(name, value, known[name])
        return through_stages(kind(**self.settings), self.transfer)


def _check_kind(name: str, value: object, default: object) -> None:
    """Hold a setting against the kind of its default; what has none, or None, is a number."""
    wanted = type(default) if isinstance(default, bool | int | str) else float
    fits = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, fits) or (isinstance(value, bool) and wanted is not bool):
        said = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}[wanted]
        raise OptionError(f"{name} is {said}, got {value!r}")
