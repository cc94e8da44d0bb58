"""What `misread physical` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from misread.attack.physical import EotPgd, Patch, PhysicalOptions, Stickers, Terms, WholeSign
from misread.attack.physical.make import named_profile
from misread.attack.physical.steps import RULES
from misread.attack.physical.terms import PRINTABLE, colours_of
from misread.errors import UnknownName
from misread.flags import CardFlags
from misread.pixels import read_image
from misread.registry import unknown
from misread.wish import UNTARGETED

if TYPE_CHECKING:
    from pathlib import Path

    from misread.attack.physical.threats import PhysicalThreat
    from misread.wish import Wish


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedOptions:
    """What to change, how, and where the result goes.

    Attributes:
        origin: The classifier: what `misread.export.origin.load_origin` takes.
        out: Folder of the bundle.
        picture: A picture file with one sign; None takes the shipped stop sign in the rain, for `signs`.
        label: What it shows; None for shipped pictures, which are known.
        threat: ``sign``, ``patch`` or ``stickers``.
        eps: Largest change of any value for ``sign``, a fraction of full scale.
        area: Largest share of the sign under ``stickers``.
        corners: Outline of the sign, (x, y) in pixels, in order and convex.
        mask: Or a picture of the same size: what its alpha, or its light, marks may change.
        backgrounds: A folder of pictures that the sign is shown before, half of them in the search and the others in
            the measurement; None leaves it in its own picture.
        digital: Also make the change for the perfect capture alone, to compare.
        builds: ONNX files that read the held-out captures too.
        wish: What the change is to be read as, in labels.
        profile: Of the channel.
        steps: Of the search.
        draws: Simulated frames in each step.
        rule: How gradients become steps: `mi-fgsm`, `pgd` or `adam`.
        tv: Weight of the total variation.
        printable: Weight of the distance to printable colours.
        palette: A picture of what the printer has, averaged to 8 x 8 colours; None for a coarse cube of colours.
        clips: Held-out clips; at least 5 give an interval.
        frames: Frames in each.
        seed: Of every draw.
        overwrite: Replace an existing bundle.
        weights: Of the origin.
        arguments: Of the origin's factory, by name.
        trust: Let the origin's file run code while it is loaded, where its kind does so.
        flags: How pictures are prepared, where the classifier does not say.

    Raises:
        UnknownName: No such threat, profile or rule.
        OptionError: A value outside its range.
    """

    origin: str
    out: Path
    picture: Path | None = None
    label: str | None = None
    threat: str = "sign"
    eps: float = 16 / 255
    area: float = 0.15
    corners: tuple[tuple[float, float], ...] = ()
    mask: Path | None = None
    backgrounds: Path | None = None
    digital: bool = False
    builds: tuple[Path, ...] = ()
    wish: Wish = UNTARGETED
    profile: str = "webcam-indoor"
    steps: int = 120
    draws: int = 24
    rule: str = RULES[0].name
    tv: float = 0.0
    printable: float = 0.0
    palette: Path | None = None
    clips: int = 20
    frames: int = 12
    seed: int = 0
    overwrite: bool = False
    weights: Path | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    trust: bool = False
    flags: CardFlags = field(default_factory=CardFlags)

    def __post_init__(self) -> None:
        """Refuse early what would fail late."""
        named_profile(self.profile)
        _ = self.kind.bound, self.search

    @property
    def kind(self) -> PhysicalThreat:
        """What is done to the sign."""
        if self.threat == WholeSign.name:
            return WholeSign(eps=self.eps)
        if self.threat == Stickers.name:
            return Stickers(area=self.area)
        if self.threat == Patch.name:
            return Patch()
        names = (WholeSign.name, Patch.name, Stickers.name)
        raise UnknownName(unknown("threat", self.threat, names))

    @property
    def search(self) -> PhysicalOptions:
        """How it is looked for."""
        palette = PRINTABLE if self.palette is None else colours_of(read_image(self.palette))
        terms = Terms(tv=self.tv, printable=self.printable, palette=palette)
        return PhysicalOptions(
            attack=EotPgd(rule=self.rule, terms=terms, steps=self.steps, draws=self.draws, clips=min(2, self.draws)),
            profile=self.profile,
            held_clips=self.clips,
            held_frames=self.frames,
            seed=self.seed,
        )
