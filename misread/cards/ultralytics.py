"""The keys that Ultralytics writes into its exports: `names`, `imgsz`, `task`, `channels`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from misread.cards.facts import CardFacts
from misread.cards.literal import parse_literal
from misread.cards.values import bounded, broken, numbered_labels, whole
from misread.errors import ModelError

if TYPE_CHECKING:
    from misread.card import ModelCard

_TASK: Final = "classify"


@final
class Ultralytics:
    """`names` is a printed Python dictionary, read by a parser of our own; the rest are numbers and words."""

    name = "ultralytics keys"
    keys: tuple[str, ...] = ("names", "task", "imgsz", "channels", "stride", "batch")

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the model's metadata say in this convention, None where they do not follow it.

        Raises:
            ModelError: the model is for another task, or a value is broken.
        """
        if "names" not in metadata or not {"task", "imgsz"} & set(metadata):
            return None
        task = metadata.get("task", _TASK)
        if task != _TASK:
            message = f"the model's task is {task[:20]!r}; a classifier (task classify) is expected"
            raise ModelError(message)
        facts = CardFacts(labels=numbered_labels(_literal(metadata, "names"), "names"))
        if "channels" in metadata:
            facts = replace(facts, colour="grey" if whole(_literal(metadata, "channels"), "channels") == 1 else "rgb")
        if "imgsz" in metadata:
            facts = replace(facts, size_hw=_size(_literal(metadata, "imgsz")))
        return _as_ultralytics(facts) if metadata.get("author") == "Ultralytics" else facts

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return what Ultralytics' own loader asks for; it takes three channels for RGB, so BGR goes without them."""
        written = {
            "names": repr(dict(enumerate(card.labels))),
            "task": _TASK,
            "imgsz": str(list(card.size_hw)),
            "stride": "1",
            "batch": "1",
        }
        return written if card.colour == "bgr" else written | {"channels": str(card.channels)}


def _as_ultralytics(facts: CardFacts) -> CardFacts:
    """Add what every classifier of Ultralytics' own exporter has in common.

    A square input is the centre of a picture whose shortest side was resized to it, bilinear with antialiasing; values
    are in [0, 1]; the exported head ends in a softmax.
    """
    facts = replace(
        facts,
        interpolation="bilinear",
        antialias=True,
        colour=facts.colour or "rgb",
        scale=1 / 255,
        output="probabilities",
    )
    if facts.size_hw is None:
        return facts
    height, width = facts.size_hw
    return replace(facts, resize="crop", resize_px=height) if height == width else replace(facts, resize="squash")


def _literal(metadata: Mapping[str, str], key: str) -> Any:
    text = metadata[key]
    bounded(text, key)
    try:
        return parse_literal(text)
    except ValueError as error:
        message = f"the model's {key} metadata cannot be read: {error}; export it again, or remove the key"
        raise ModelError(message) from error


def _size(value: Any) -> tuple[int, int]:
    sides = value if isinstance(value, list) else [value]
    if not 1 <= len(sides) <= 2:
        raise broken("imgsz", "one or two sides in pixels", value)
    return whole(sides[0], "imgsz"), whole(sides[-1], "imgsz")
