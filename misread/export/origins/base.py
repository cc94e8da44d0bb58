"""What every kind of origin promises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import nn

    from misread.card import ModelCard


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A module as its origin gave it, before it becomes a twin.

    Attributes:
        module: in any mode; it is copied, never changed.
        card: where the origin knows how its pictures are prepared; None leaves it to the flags.
        weights_sha256: hash of the weight file, where there is one.
    """

    module: nn.Module
    card: ModelCard | None = None
    weights_sha256: str | None = None


class OriginKind(Protocol):
    """One way to name a PyTorch classifier."""

    form: str
    """How it is written, for messages: `file.py:factory`."""

    def claims(self, text: str) -> bool:
        """Tell whether `text` is written in this form."""

    def load(self, text: str, weights: Path | None) -> Loaded:
        """Load the module.

        Raises:
            MisreadError: one sentence about what is missing.
        """
