"""Stages in front of a gradient attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from misread.attack.query import QUERY_ATTACKS
from misread.attack.transfer.view import View
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Attack, Kind, Problem
    from misread.attack.threat import Norm
    from misread.attack.transfer.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """A gradient attack whose gradients go through stages, so that its images are misread by other models too.

    An attack inside a budget runs to its end, and what is judged, on the plain model, is its last image; only where
    that fails, the last one that the attack itself thought well of. A minimal attack is judged along its way as always.

    Attributes:
        attack: The attack.
        stages: In the order in which copies and gradients go through them.

    Raises:
        OptionError: no stage, one of them twice, or an attack that takes no gradients.
    """

    attack: Attack
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        """Refuse what would change nothing."""
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            message = f"name each stage once, got {','.join(names) or 'none'}; write for instance di,ti"
            raise OptionError(message)
        if isinstance(self.attack, QUERY_ATTACKS):
            message = f"attack {self.attack.name} takes no gradients that stages could change; use for instance mi-fgsm"
            raise OptionError(message)

    @property
    def name(self) -> str:
        """The attack's, with the stages'."""
        return "+".join([self.attack.name, *(stage.name for stage in self.stages)])

    @property
    def kind(self) -> Kind:
        """The attack's."""
        return self.attack.kind

    @property
    def norms(self) -> tuple[Norm, ...]:
        """The attack's."""
        return self.attack.norms

    def propose(self, problem: Problem) -> Tensor:
        """Let the attack see the problem through the stages; see `Attack.propose`."""
        view = View(problem, self.stages, hold=self.kind == "fixed")
        last = self.attack.propose(cast("Problem", view))
        rows = problem.open()
        problem.offer(last[rows], rows)
        rows = problem.open()
        if self.kind == "fixed":
            changed = (view.held[rows] != problem.images[rows]).flatten(1).any(1)
            problem.offer(view.held[rows][changed], rows[changed])
            problem.close(problem.open())  # all that there is has been judged
        return last
