"""Losses: one number per image, lowered by an attack. Built on the set of wanted classes, they serve every goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from misread.attack.goal import margin
from misread.errors import OptionError

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""(logits (n, k), wanted (n, k) bool) -> (n,), lower is nearer to the goal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """A named loss and the smallest number of classes for which it is defined."""

    name: str
    function: LossFunction
    classes: int = 2

    def __call__(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Apply the loss, (n,).

        Raises:
            OptionError: the model has too few classes.
        """
        if logits.shape[1] < self.classes:
            message = f"loss {self.name} needs {self.classes} classes, the model has {logits.shape[1]}; use margin"
            raise OptionError(message)
        return self.function(logits, wanted)


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Log-odds of the unwanted classes.

    Its gradient has the direction of the cross-entropy's for one label, but never fades: at a logit gap of 30 the
    cross-entropy's own gradient is exactly 0 in float32.
    """
    low = float("-inf")
    return logits.masked_fill(wanted, low).logsumexp(1) - logits.masked_fill(~wanted, low).logsumexp(1)


def _logits_ratio(logits: Tensor, wanted: Tensor) -> Tensor:
    """Difference-of-logits ratio (arXiv 2003.01690): the margin over the gap from first to third logit."""
    top = logits.topk(3, dim=1).values
    return margin(logits, wanted) / (top[:, 0] - top[:, 2]).clamp_min(1e-12)


def _targeted_logits_ratio(logits: Tensor, wanted: Tensor) -> Tensor:
    """Targeted difference-of-logits ratio (arXiv 2003.01690)."""
    top = logits.topk(4, dim=1).values
    return margin(logits, wanted) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2).clamp_min(1e-12)


MARGIN: Final = Loss(name="margin", function=margin)
LOSSES: Final[tuple[Loss, ...]] = (
    MARGIN,
    Loss(name="ce", function=_cross_entropy),
    Loss(name="dlr", function=_logits_ratio, classes=3),
    Loss(name="dlr-targeted", function=_targeted_logits_ratio, classes=4),
)
