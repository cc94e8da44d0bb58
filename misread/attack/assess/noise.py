"""Random noise at the full budget: what falls to it needs no attack, and an attack that finds less is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from misread.attack.gradient.start import into
from misread.attack.threat import NORMS
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.problem import Kind, Problem
    from misread.attack.threat import Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Random points on the ball: for ``linf`` its corners, for the other norms directions stretched to its surface.

    Attributes:
        draws: Passes per image.

    Raises:
        OptionError: no draw.
    """

    name: ClassVar[str] = "noise"
    kind: ClassVar[Kind] = "fixed"
    norms: ClassVar[tuple[Norm, ...]] = NORMS

    draws: int = 2

    def __post_init__(self) -> None:
        """Refuse to do nothing."""
        if not self.draws >= 1:
            message = f"draws are at least 1, got {self.draws}"
            raise OptionError(message)

    def propose(self, problem: Problem) -> Tensor:
        """Offer each draw; see `Attack.propose`."""
        last, radius = problem.images.clone(), problem.threat.radius
        for _ in range(self.draws):
            rows = problem.open()
            if len(rows) == 0:
                break
            draw = problem.uniform(rows)
            if problem.mask is not None:
                draw = draw * problem.mask[rows]
            flat = draw.flatten(1)
            if problem.threat.norm == "linf":
                point = flat.sign() * radius
            elif problem.ball.scales:
                point = flat * (radius / problem.ball.size(flat).clamp_min(1e-12)).to(flat.dtype)[:, None]
            else:
                point = problem.ball.project(flat, radius).sign()
            last[rows] = problem.images[rows] + into(point.view_as(draw), problem.images[rows])
            problem.offer(last[rows], rows)
        return last
