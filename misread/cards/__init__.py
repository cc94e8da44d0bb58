"""The conventions in which files say how they are fed, in the order in which misread asks them.

misread's own card says everything. Where it is missing, every convention that a file follows adds what the ones before
it left open, then the shape of the graph's input, then the flags. Nothing is guessed: what is still open is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from misread.card import ModelCard
from misread.cards.facts import CardFacts
from misread.cards.huggingface import HuggingFace
from misread.cards.onnx_image import OnnxImage
from misread.cards.timm import Timm
from misread.cards.torchvision import Torchvision
from misread.cards.ultralytics import Ultralytics

OWN: Final = "misread card"
GRAPH: Final = "graph"
GIVEN: Final = "flags"


class Convention(Protocol):
    """One way to write a card, or a part of one, into a model's metadata."""

    name: str
    """How results call it."""

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the metadata say, None where they do not follow the convention.

        Raises:
            ModelError: they follow it and are broken.
        """


CONVENTIONS: Final[tuple[Convention, ...]] = (Timm(), Torchvision(), HuggingFace(), Ultralytics(), OnnxImage())


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCard:
    """A card, and where it came from.

    Attributes:
        card: complete.
        sources: names of the conventions that supplied it, in the order in which they were asked.
    """

    card: ModelCard
    sources: tuple[str, ...]


def find_card(
    metadata: Mapping[str, str], *, name: str, given: ModelCard | None = None, declared: CardFacts | None = None
) -> FoundCard | None:
    """Read a model's card from its metadata, by every convention known.

    Args:
        metadata: of the ONNX file.
        name: of the model, for messages.
        given: by flags; fills what the file leaves open.
        declared: what the shape of the graph's input says; fills what no convention said.

    Returns:
        None where the file follows no convention and nothing was given.

    Raises:
        ModelError: a convention is broken, or something is missing; the message lists it with the flags that supply it.
    """
    own = ModelCard.from_metadata(metadata)
    if own is not None:
        return FoundCard(card=own, sources=(OWN,))
    facts, sources = CardFacts(), []
    parts = [(convention.name, convention.read(metadata)) for convention in CONVENTIONS]
    followed = any(part is not None for _, part in parts)
    if not followed:
        return FoundCard(card=given, sources=(GIVEN,)) if given is not None else None
    parts += [(GRAPH, declared), (GIVEN, CardFacts.of(given) if given is not None else None)]
    for source, part in parts:
        if part is None:
            continue
        filled = facts.filled(part)
        if filled.said() - facts.said():
            sources.append(source)
        facts = filled
    return FoundCard(card=facts.card(name), sources=tuple(sources))
