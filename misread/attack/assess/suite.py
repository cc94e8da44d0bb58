"""Which attacks the suite runs, and how an image goes through them: worst case per image, each on what still stands.

The idea and the order are AutoAttack's (arXiv 2003.01690). What differs: targets are ordered by the box-aware distance
of their boundary instead of by logit, every iterate is scored on the 256 levels, random noise goes first, and for
``l0`` the suite is a white-box minimal attack and Sparse-RS (arXiv 2006.12834).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from misread.attack.assess.noise import Noise
from misread.attack.assess.within import Within
from misread.attack.execute import execute
from misread.attack.gradient.apgd import Apgd, ApgdTargeted
from misread.attack.minimal.fab import Fab
from misread.attack.minimal.nearest import Nearest
from misread.attack.query.sparse import SparseRs
from misread.attack.query.square import Square

if TYPE_CHECKING:
    from misread.attack.problem import Attack, Confirm, Model
    from misread.attack.threat import Norm, Threat

STANDS: Final = -1
SKIPPED: Final = -2
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One attack of the suite.

    Attributes:
        name: In tables.
        attack: With its settings.
    """

    name: str
    attack: Attack


NOISE: Final = "noise"
AGAIN: Final = "apgd again"
QUERIES: Final = ("square", "sparse-rs")
ASKING: Final = (NOISE, *QUERIES)
"""Stages that need no gradient."""
_NOISE: Final = Stage(name=NOISE, attack=Noise())
_CE: Final = Stage(name="apgd", attack=Apgd(loss="ce", random_start=True))
_AGAIN: Final = Stage(name=AGAIN, attack=Apgd(loss="margin", random_start=True))
_FAB: Final = Stage(name="fab", attack=Within(attack=Fab()))
_DENSE: Final = (
    _NOISE,
    _CE,
    Stage(name="apgd-t", attack=ApgdTargeted()),
    _AGAIN,
    _FAB,
    Stage(name="square", attack=Square(queries=5000)),
)
SUITES: Final[dict[Norm, tuple[Stage, ...]]] = {
    "linf": _DENSE,
    "l2": _DENSE,
    "l1": (_NOISE, _CE, Stage(name="apgd-t", attack=ApgdTargeted(targets=5)), _AGAIN, _FAB),
    "l0": (
        _NOISE,
        Stage(name="minimal", attack=Within(attack=Nearest())),
        Stage(name="sparse-rs", attack=SparseRs(queries=5000)),
    ),
}


@dataclass(kw_only=True, slots=True)
class StageTally:
    """What one attack of the suite did, over all images so far.

    Attributes:
        name: Of the attack.
        attempted: Images that still stood when it began.
        found: Of these, the misread ones.
        forwards: Passes, those with a gradient included.
        backwards: Passes with a gradient.
        zero_gradients: Images whose gradient vanished at least once.
        seconds: Wall-clock time.
    """

    name: str
    attempted: int = 0
    found: int = 0
    forwards: int = 0
    backwards: int = 0
    zero_gradients: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallen:
    """How images went through the suite.

    Attributes:
        images: (n, c, h, w), the misread copy, or the clean image where it stands.
        by: (n,) int64, place of the attack in the suite that found it; `STANDS`, or `SKIPPED` where the clean image is
            misread already.
    """

    images: Tensor
    by: Tensor


@dataclass(kw_only=True, slots=True)
class Suite:
    """The suite for one norm, with its tallies.

    Attributes:
        threat: Norm and eps.
        stages: In order.
        tallies: One for each.
    """

    threat: Threat
    stages: tuple[Stage, ...] = ()
    tallies: list[StageTally] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take the norm's suite unless another was given."""
        self.stages = self.stages or SUITES[self.threat.norm]
        self.tallies = [StageTally(name=stage.name) for stage in self.stages]

    def run(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        *,
        seed: int,
        confirm: Confirm | None = None,
        progress: Progress = lambda _: None,
    ) -> Fallen:
        """Send images through; each attack sees those that still stand.

        Args:
            model: (n, c, h, w) in [0, 1] -> logits (n, k).
            images: (n, c, h, w) on the grid.
            labels: (n,) int64.
            seed: Of all draws; each image's depend on the image, not on its neighbours.
            confirm: See `execute`.
            progress: Told which attack begins.
        """
        final, by = images.clone(), torch.full_like(labels, STANDS)
        for place, (stage, tally) in enumerate(zip(self.stages, self.tallies, strict=True)):
            rows = (by == STANDS).nonzero().flatten()
            if len(rows) == 0:
                break
            progress(stage.name)
            outcome = execute(
                stage.attack,
                model,
                images[rows],
                labels[rows],
                threat=self.threat,
                generator=torch.Generator().manual_seed(seed + place),
                confirm=None if confirm is None else _at(confirm, rows),
            )
            by[rows[outcome.skipped]] = SKIPPED
            by[rows[outcome.success]] = place
            final[rows[outcome.success]] = outcome.images[outcome.success]
            tally.attempted += outcome.attempted
            tally.found += outcome.found
            tally.forwards += int(outcome.forwards.sum())
            tally.backwards += int(outcome.backwards.sum())
            tally.zero_gradients += int((outcome.zero_gradients > 0).sum())
            tally.seconds += outcome.seconds
        return Fallen(images=final, by=by)


def _at(confirm: Confirm, rows: Tensor) -> Confirm:
    return lambda found, places: confirm(found, rows[places])
