"""The first rung on a build: the picture as its file holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image


@dataclass(frozen=True, slots=True)
class AsFile:
    """Nothing happens: the verdict is taken here."""

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return "file"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return "from file"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture as it is."""
        return image
