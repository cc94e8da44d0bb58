"""What the attacker wants a changed picture to be read as, in labels: the same words on the host and on the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

import numpy as np

from misread.errors import InputError, OptionError
from misread.registry import unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.card import ModelCard

WishKind = Literal["untargeted", "any-of", "away-from"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A goal in labels. Reading a picture right is never a success, whatever the labels are.

    Attributes:
        kind: `untargeted` wants any wrong label; `any-of` one of `labels`; `away-from` any wrong label but these.
        labels: each once; none where the goal is `untargeted`.

    Raises:
        UnknownName: no such kind.
        OptionError: labels where there should be none, none where there should be some, or one of them twice.
    """

    kind: WishKind = "untargeted"
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        if self.kind not in get_args(WishKind):
            raise OptionError(unknown("goal", self.kind, get_args(WishKind)))
        if bool(self.labels) == (self.kind == "untargeted"):
            wanted = "no label" if self.kind == "untargeted" else "one label or more"
            raise OptionError(f"a goal of kind {self.kind} takes {wanted}, got {', '.join(self.labels) or 'none'}")
        if len(set(self.labels)) < len(self.labels):
            twice, _ = Counter(self.labels).most_common(1)[0]
            raise OptionError(f"{twice} is given twice as a label of the goal; give every label once")

    @classmethod
    def of(cls, targets: Sequence[str] = (), away_from: Sequence[str] = ()) -> Self:
        """Make the goal that is asked for by labels to reach, or by labels to get away from, or by neither.

        Raises:
            OptionError: both are given, or a label twice.
        """
        if targets and away_from:
            given = f"{', '.join(targets)} and {', '.join(away_from)}"
            raise OptionError(f"a goal has labels to reach or labels to leave, got both ({given}); give one of the two")
        if targets:
            return cls("any-of", tuple(targets))
        return cls("away-from", tuple(away_from)) if away_from else cls()

    @classmethod
    def read(cls, form: object) -> Self:
        """Read the form of a manifest: kind and labels, or the text of schema 1, `untargeted` or one label.

        Raises:
            ValueError: neither.
            OptionError: kind and labels do not fit together.
        """
        if isinstance(form, str):
            return cls() if form == "untargeted" else cls("any-of", (form,))
        if not isinstance(form, Mapping) or form.keys() != {"kind", "labels"} or not isinstance(form["labels"], list):
            raise ValueError(f"expected a goal with kind and labels, got {form!r}")
        labels: list[Any] = form["labels"]
        if not all(isinstance(label, str) for label in labels):
            raise ValueError(f"expected the labels of a goal as texts, got {labels!r}")
        return cls(form["kind"], tuple(labels))

    @property
    def text(self) -> str:
        """For manifests and tables: `untargeted`, `Yield`, `any of Yield, Stop`, `away from Yield, Stop`."""
        listed = ", ".join(self.labels)
        if self.kind == "away-from":
            return f"away from {listed}"
        return f"any of {listed}" if len(self.labels) > 1 else listed or "untargeted"

    @property
    def words(self) -> str:
        """For sentences about a picture: `to be read as Yield or Stop`, `to be read as none of Yield, Stop`."""
        if self.kind == "untargeted":
            return "to be misread"
        said = f"none of {', '.join(self.labels)}" if self.kind == "away-from" else " or ".join(self.labels)
        return f"to be read as {said}"

    def spelt(self, card: ModelCard) -> Wish:
        """Return the same goal with its labels as a card writes them.

        Raises:
            UnknownName: the card lacks one of them.
        """
        found = dict.fromkeys(card.labels[card.index(label)] for label in self.labels)
        return Wish(self.kind, tuple(found))

    def reached(self, read: str, label: str) -> bool:
        """Tell whether a picture of `label` that is read as `read` reaches the goal; all labels of one spelling."""
        if read == label:
            return False
        return self.kind == "untargeted" or (read in self.labels) == (self.kind == "any-of")

    def wanted(self, card: ModelCard, label: str) -> NDArray[np.bool_]:
        """Mark the outputs that count as success for a picture of `label`, (k,) bool; its own label never does.

        Raises:
            UnknownName: the card lacks a label of the goal, or the picture's.
            InputError: nothing is left to be wanted.
        """
        named = np.zeros(len(card.labels), dtype=bool)
        named[[card.index(entry) for entry in self.labels]] = True
        wanted: NDArray[np.bool_] = named if self.kind == "any-of" else ~named
        wanted[card.index(label)] = False
        if not wanted.any():
            raise InputError(f"the goal {self.text!r} leaves a picture of {label!r} nothing to be misread as")
        return wanted


#: Any wrong label will do.
UNTARGETED: Final = Wish()


def goal_margin(logits: NDArray[np.float32], wanted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n,) float32: largest wanted logit less the largest of the others; positive where the goal is reached.

    Args:
        logits: (n, k) float32.
        wanted: (n, k) bool, or (k,) for all rows: at least one output that is wanted and one that is not.
    """
    best = np.where(wanted, logits, -np.inf).max(axis=1)
    margin: NDArray[np.float32] = (best - np.where(wanted, -np.inf, logits).max(axis=1)).astype(np.float32)
    return margin
