"""Losses: one number per image, lowered by an attack. Built on the set of wanted classes, they serve every goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
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
    """Difference-of-logits ratio (arXiv 2003.01690): the margin over the gap from first to third logit.

    One of best wanted and best unwanted comes first. Where the other is third, as goals of few classes allow, the
    margin is that gap itself, and their ratio 1 whatever the image. From rank three on the gap therefore ends half-way
    between second and third: the loss has no jump where ranks change, and falls as the wanted logit rises.
    """
    top, which = logits.topk(3, dim=1)
    sides = wanted.gather(1, which)
    low = torch.where(sides[:, 0] != sides[:, 1], top[:, 2], (top[:, 1] + top[:, 2]) / 2)
    return margin(logits, wanted) / (top[:, 0] - low).clamp_min(1e-12)


def _targeted_logits_ratio(logits: Tensor, wanted: Tensor) -> Tensor:
    """Targeted difference-of-logits ratio (arXiv 2003.01690)."""
    top = logits.topk(4, dim=1).values
    return margin(logits, wanted) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2).clamp_min(1e-12)


def _probability_margin(logits: Tensor, wanted: Tensor) -> Tensor:
    """Probability of the likeliest unwanted class less that of the likeliest wanted one, in (-1, 1).

    The softmax runs over the wanted classes and the likeliest unwanted one; with all classes in it, another unwanted
    class that rises would count as progress. It is taken in units of each row's own standard deviation (constant in the
    gradient), so the loss is the same at every scale of the logits and no confidence saturates it: in these units no
    two of k logits are more than sqrt(2 k) apart, which in float64 is far from underflow.
    """
    low, double = float("-inf"), logits.double()
    rival = logits.masked_fill(wanted, low).argmax(1, keepdim=True)
    unit = double.detach().std(1, correction=0, keepdim=True).clamp_min(1e-12)
    chance = (double / unit).masked_fill(~wanted.scatter(1, rival, value=True), low).softmax(1)
    return margin(chance, wanted).to(logits.dtype)


MARGIN: Final = Loss(name="margin", function=margin)
LOSSES: Final[tuple[Loss, ...]] = (
    MARGIN,
    Loss(name="ce", function=_cross_entropy),
    Loss(name="dlr", function=_logits_ratio, classes=3),
    Loss(name="dlr-targeted", function=_targeted_logits_ratio, classes=4),
    Loss(name="pm", function=_probability_margin, classes=3),
)
