"""What the graph itself says of the pictures that it takes, and of its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.cards.graph import graph_facts

if TYPE_CHECKING:
    from misread.cards.facts import CardFacts
    from misread.runtime.inspect.graph import Contents


def declared(contents: Contents) -> CardFacts:
    """Return what the shapes of the first input and output say, as `Deployed` does."""
    ends = [values[0].shape if values else None for values in (contents.inputs, contents.outputs)]
    return graph_facts(*ends)
