"""A minimal attack asked a fixed-budget question: it is done with an image at the first success inside eps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.attack.threat import NORMS

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Attack, Kind, Problem
    from misread.attack.threat import Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class Within:
    """Runs another attack; its rows close at the first success, because the kind says ``fixed``.

    Attributes:
        attack: The minimal attack.
    """

    name: ClassVar[str] = "within"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = NORMS

    attack: Attack

    def propose(self, problem: Problem) -> Tensor:
        """What the attack inside proposes."""
        return self.attack.propose(problem)
