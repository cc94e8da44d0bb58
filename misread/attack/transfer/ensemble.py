"""Several classifiers as one: what all of them misread, a further one is more likely to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, final, get_args

import torch
from torch import Tensor, nn

from misread.errors import OptionError
from misread.registry import unknown
from misread.text import printable

Mean = Literal["logits", "log-probabilities"]
MEANS: Final[tuple[Mean, ...]] = get_args(Mean)


@final
class Ensemble(nn.Module):
    """The mean of several classifiers with the same labels.

    Attributes:
        mean: ``logits``, or ``log-probabilities``, which gives members whose logits are large no larger a say.
    """

    def __init__(self, models: Sequence[nn.Module], labels: Sequence[Sequence[str]], *, mean: Mean = "logits") -> None:
        """Take the members as they are.

        Args:
            models: (n, c, h, w) in [0, 1] -> logits (n, k), all for the same size of pictures.
            labels: Of each member, in the order of its outputs.
            mean: See above.

        Raises:
            OptionError: no member, other labels in one of them, or an unknown mean.
        """
        super().__init__()
        if not models or len(models) != len(labels):
            message = f"an ensemble has at least one member and labels for each, got {len(models)} and {len(labels)}"
            raise OptionError(message)
        if mean not in MEANS:
            raise OptionError(unknown("mean", mean, MEANS))
        for number, other in enumerate(labels[1:], start=2):
            _same(tuple(labels[0]), tuple(other), number)
        self.members, self.mean = nn.ModuleList(models), mean

    def forward(self, images: Tensor) -> Tensor:
        """The mean over the members, (n, k)."""
        read: list[Tensor] = [member(images) for member in self.members]
        if self.mean == "log-probabilities":
            read = [logits.log_softmax(1) for logits in read]
        return torch.stack(read).mean(0)


def _same(first: tuple[str, ...], other: tuple[str, ...], number: int) -> None:
    if first == other:
        return
    if len(first) != len(other):
        difference = f"the first has {len(first)}, member {number} has {len(other)}"
    else:
        place = next(place for place, pair in enumerate(zip(first, other, strict=True)) if pair[0] != pair[1])
        difference = f"output {place} is {printable(first[place])} and, of member {number}, {printable(other[place])}"
    message = f"members of an ensemble have the same labels in the same order: {difference}; leave that one out"
    raise OptionError(message)
