"""What every kind of origin promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import nn

    from misread.card import ModelCard
    from misread.cards.facts import CardFacts

Setting = int | float | bool | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What was asked for beside the name.

    Attributes:
        weights: a file of weights.
        untrained: no weights at all; a pretrained origin draws them from seed 0 then.
        arguments: for the factory, by name.
        trust: the file's owner lets it run code while it is loaded.
    """

    weights: Path | None = None
    untrained: bool = False
    arguments: Mapping[str, Setting] = field(default_factory=dict)
    trust: bool = False

    def refuse(self, text: str, *, weights: str = "", arguments: str = "") -> None:
        """Refuse what an origin has no use for; each argument says why, and is empty where there is a use.

        Raises:
            OptionError: it was given.
        """
        if weights and (self.weights is not None or self.untrained):
            message = f"{text} {weights}; leave out --weights, or name your own network as file.py:factory"
            raise OptionError(message)
        if arguments and self.arguments:
            message = f"{text} {arguments}; leave out --arg {next(iter(self.arguments))}"
            raise OptionError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A module as its origin gave it, before it becomes a twin.

    Attributes:
        module: in any mode; it is copied, never changed.
        card: where the origin knows all of how its pictures are prepared; None leaves it to the flags.
        facts: instead of a card, where it knows a part.
        source: who said so, for results: `torchvision metadata`.
        weights_sha256: hash of the weight file, where there is one.
    """

    module: nn.Module
    card: ModelCard | None = None
    facts: CardFacts | None = None
    source: str = "origin"
    weights_sha256: str | None = None


class OriginKind(Protocol):
    """One way to name a PyTorch classifier."""

    form: str
    """How it is written, for messages: `file.py:factory`."""

    def claims(self, text: str) -> bool:
        """Tell whether `text` is written in this form."""

    def load(self, text: str, request: Request) -> Loaded:
        """Load the module.

        Raises:
            MisreadError: one sentence about what is missing.
        """
