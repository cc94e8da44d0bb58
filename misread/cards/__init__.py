"""The conventions in which files say how they are fed, in the order in which misread asks them.

misread's own card says everything. Where it is missing, every convention that a file follows adds what the ones before
it left open, then the shape of the graph's input, then the flags, then a card that lies at hand. Nothing is guessed:
what is still open is listed. Only of a file that says nothing at all, flags that name its labels and its size may leave
the rest to what `misread --help` says of them, and the sources say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from misread.card import CARD_KEY, ModelCard
from misread.cards.facts import CardFacts
from misread.cards.huggingface import HuggingFace
from misread.cards.onnx_image import OnnxImage
from misread.cards.timm import Timm
from misread.cards.torchvision import Torchvision
from misread.cards.ultralytics import Ultralytics

OWN: Final = "misread card"
GRAPH: Final = "graph"
GIVEN: Final = "flags"
DEFAULTS: Final = "defaults of the flags"
#: SHA-256 of the labels as a text, one a line, each line ended.
LABELS_HASH_KEY: Final = "misread.labels_sha256"
#: SHA-256 of the weight file that the model was made of.
SOURCE_HASH_KEY: Final = "misread.source_sha256"
#: What the flags mean where they are not given, as their help says.
_DEFAULTS: Final = CardFacts(
    resize="squash", interpolation="bilinear", antialias=True, colour="rgb", scale=1 / 255, output="logits"
)


class Convention(Protocol):
    """One way to write a card, or a part of one, into a model's metadata."""

    name: str
    """How results call it."""
    keys: tuple[str, ...]
    """What it reads and writes."""

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the metadata say, None where they do not follow the convention.

        Raises:
            ModelError: they follow it and are broken.
        """

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return the metadata that say in this convention what the card says, as far as it goes; else nothing."""


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


def metadata_of(card: ModelCard, *, source_sha256: str | None = None) -> dict[str, str]:
    """Return ONNX metadata that say what a card says, in misread's own words and in those that other tools read.

    A convention that cannot say all of what it stands for is left out: what others read is the same, or is not there.
    None can say that a build takes the picture itself.

    Args:
        card: what is to be said.
        source_sha256: of the weight file that the model was made of.
    """
    lines = "".join(f"{label}\n" for label in card.labels)
    found = card.own_metadata()
    found[LABELS_HASH_KEY] = hashlib.sha256(lines.encode(errors="backslashreplace")).hexdigest()
    if source_sha256 is not None:
        found[SOURCE_HASH_KEY] = source_sha256
    whole = CardFacts.of(card)
    for convention in () if card.baked_preprocessing else CONVENTIONS:
        written = convention.write(card)
        said = convention.read(written) if written else None
        if said is not None and said.agrees(whole):
            found |= written
    return found


def rewritten(metadata: Mapping[str, str], card: ModelCard) -> dict[str, str]:
    """Return a model's metadata with another card in place of all that said how it is fed; the rest stays."""
    known = {CARD_KEY, LABELS_HASH_KEY, *(key for convention in CONVENTIONS for key in convention.keys)}
    return {key: value for key, value in metadata.items() if key not in known} | metadata_of(card)


def find_card(
    metadata: Mapping[str, str],
    *,
    name: str,
    given: ModelCard | CardFacts | None = None,
    declared: CardFacts | None = None,
    spare: tuple[str, ModelCard] | None = None,
) -> FoundCard | None:
    """Read a model's card from its metadata, by every convention known.

    Args:
        metadata: of the ONNX file.
        name: of the model, for messages.
        given: by flags; fills what the file leaves open.
        declared: what the shapes of the graph say; fills what no convention said.
        spare: a card that lies at hand, such as a bundle's, and what results call it; fills what is open then.

    Returns:
        None where the file follows no convention and nothing was given.

    Raises:
        ModelError: a convention is broken, or something is missing; the message lists it with the flags that supply it.
    """
    own = ModelCard.from_metadata(metadata)
    if own is not None:
        return FoundCard(card=own, sources=(OWN,))
    parts = [(convention.name, convention.read(metadata)) for convention in CONVENTIONS]
    others: list[tuple[str, ModelCard | CardFacts | None]] = [(GIVEN, given), *([] if spare is None else [spare])]
    if all(part is None for _, part in parts):
        first = next(((who, card) for who, card in others if card is not None), None)
        if first is None:
            return None
        if isinstance(first[1], ModelCard):
            return FoundCard(card=first[1], sources=(first[0],))
        others += [(GRAPH, declared), (DEFAULTS, _DEFAULTS)]
    else:
        parts.append((GRAPH, declared))
    facts, sources = CardFacts(classes=declared.classes if declared else None), list[str]()
    for source, part in [*parts, *others]:
        if part is None:
            continue
        filled = facts.filled(CardFacts.of(part) if isinstance(part, ModelCard) else part)
        if filled.said() - facts.said():
            sources.append(source)
        facts = filled
    return FoundCard(card=facts.card(name), sources=tuple(sources))
