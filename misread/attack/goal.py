"""What counts as misread: a goal names the wanted classes, and everything else follows from that set.

In a row whose own label is all that a goal could want, nothing is wanted; `execute` leaves such an image out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.wish import Wish


class Goal(Protocol):
    """A set of wanted classes per image. A new goal is one more class like these."""

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


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of the classes ``targets`` (indices) but the right one.

    Raises:
        OptionError: no class, a negative index, or one given twice.
    """

    targets: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what names no class, or one of them twice."""
        _check_indices("targets", self.targets)

    @property
    def name(self) -> str:
        """``any of N, M``."""
        return f"any of {', '.join(map(str, self.targets))}"

    def wanted(self, labels: Tensor, classes: int) -> Tensor:
        """Mark the targets, less the label.

        Raises:
            OptionError: the model lacks one of them, or has no class besides them.
        """
        return _listed(self.targets, labels, classes) & (one_hot(labels, classes) == 0)


@dataclass(frozen=True, slots=True)
class AwayFrom:
    """Any class but the right one and those of ``group`` (indices).

    Raises:
        OptionError: no class, a negative index, or one given twice.
    """

    group: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what names no class, or one of them twice."""
        _check_indices("group", self.group)

    @property
    def name(self) -> str:
        """``away from N, M``."""
        return f"away from {', '.join(map(str, self.group))}"

    def wanted(self, labels: Tensor, classes: int) -> Tensor:
        """Mark all classes outside the group, less the label.

        Raises:
            OptionError: the model lacks one of the group, or has no class besides it.
        """
        return ~_listed(self.group, labels, classes) & (one_hot(labels, classes) == 0)


def goal_of(wish: Wish, card: ModelCard) -> Goal:
    """The goal that is wished for, on the outputs of a model with this card.

    Raises:
        UnknownName: the card lacks a label.
        OptionError: two of the labels are one output.
    """
    indices = tuple(card.index(label) for label in wish.labels)
    if wish.kind == "untargeted":
        return Untargeted()
    if wish.kind == "away-from":
        return AwayFrom(indices)
    return AnyOf(indices) if len(indices) > 1 else Targeted(indices[0])


def _check_indices(what: str, indices: tuple[int, ...]) -> None:
    if not indices or not all(index >= 0 for index in indices) or len(set(indices)) < len(indices):
        message = f"{what} are class indices from 0, each once and at least one, got {indices}"
        raise OptionError(message)


def _listed(indices: tuple[int, ...], labels: Tensor, classes: int) -> Tensor:
    """Mark the same classes in each row, (n, classes) bool.

    Raises:
        OptionError: there is no such class, or no other.
    """
    if max(indices) >= classes:
        message = f"class {max(indices)} does not exist: the model has {classes} classes, 0 to {classes - 1}"
        raise OptionError(message)
    if len(indices) == classes:
        message = (
            f"the goal names all {classes} classes, which tells nothing apart; name fewer, or ask for any wrong one"
        )
        raise OptionError(message)
    marks = torch.zeros(classes, dtype=torch.bool, device=labels.device)
    marks[list(indices)] = True
    return marks.expand(len(labels), classes)


def margin(logits: Tensor, wanted: Tensor) -> Tensor:
    """Best unwanted logit minus best wanted logit, (n,); below 0 the goal is reached.

    Args:
        logits: (n, k) float.
        wanted: (n, k) bool; a row without a wanted class, or without another, has an extreme margin of no meaning.
    """
    low = torch.finfo(logits.dtype).min
    return logits.masked_fill(wanted, low).amax(1) - logits.masked_fill(~wanted, low).amax(1)


def achieved(logits: Tensor, wanted: Tensor) -> Tensor:
    """Whether the goal is reached, (n,) bool: a strictly higher wanted logit, and every logit of the row finite."""
    return (margin(logits, wanted) < 0) & torch.isfinite(logits).all(1)
