"""What counts as misread: a goal names the wanted classes, and everything else follows from that set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from misread.errors import OptionError


class Goal(Protocol):
    """A set of wanted classes per image. A new goal (any of these, away from a group) is one more class like these."""

    @property
    def name(self) -> str:
        """Short text for manifests and tables."""
        ...

    def wanted(self, labels: Tensor, classes: int) -> Tensor:
        """Mark the classes that count as success.

        Args:
            labels: (n,) int64, what the images really show.
            classes: Number of classes of the model.

        Returns:
            (n, classes) bool.
        """
        ...


@dataclass(frozen=True, slots=True)
class Untargeted:
    """Any class but the right one."""

    @property
    def name(self) -> str:
        """``untargeted``."""
        return "untargeted"

    def wanted(self, labels: Tensor, classes: int) -> Tensor:
        """Mark all classes but the label."""
        return one_hot(labels, classes) == 0


@dataclass(frozen=True, slots=True)
class Targeted:
    """Exactly the class ``target`` (an index)."""

    target: int

    def __post_init__(self) -> None:
        """Refuse a negative index, which torch would count from the end."""
        if not self.target >= 0:
            message = f"a target is a class index from 0, got {self.target}"
            raise OptionError(message)

    @property
    def name(self) -> str:
        """``target N``."""
        return f"target {self.target}"

    def wanted(self, labels: Tensor, classes: int) -> Tensor:
        """Mark the target alone.

        Raises:
            OptionError: the model has no such class.
        """
        if self.target >= classes:
            message = f"target {self.target} does not exist: the model has {classes} classes, 0 to {classes - 1}"
            raise OptionError(message)
        return one_hot(torch.full_like(labels, self.target), classes) == 1


def margin(logits: Tensor, wanted: Tensor) -> Tensor:
    """Best unwanted logit minus best wanted logit, (n,); below 0 the goal is reached.

    Args:
        logits: (n, k) float.
        wanted: (n, k) bool, at least one wanted and one unwanted class in each row.
    """
    low = torch.finfo(logits.dtype).min
    return logits.masked_fill(wanted, low).amax(1) - logits.masked_fill(~wanted, low).amax(1)


def achieved(logits: Tensor, wanted: Tensor) -> Tensor:
    """Whether the goal is reached, (n,) bool: a strictly higher wanted logit, and every logit of the row finite."""
    return (margin(logits, wanted) < 0) & torch.isfinite(logits).all(1)
