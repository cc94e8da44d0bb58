"""From the text after `misread export` to a twin with its card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from misread.card import PAD_LEVEL, Interpolation, ModelCard, Resize
from misread.cards import DEFAULTS, GIVEN
from misread.cards.facts import CardFacts
from misread.errors import MisreadError, ModelError, OptionError
from misread.export.origins import ORIGIN_KINDS
from misread.export.origins.base import Loaded, Request, Setting
from misread.export.origins.hints import hint
from misread.export.twin import Twin, count_classes, make_twin
from misread.labels import NUMBERED, read_labels


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How the pictures of a network are prepared, as far as its size does not say; the flags of the command line.

    Attributes:
        resize: `squash`, `crop` with `resize_px`, or `letterbox`.
        resize_px: shortest side before the centre crop.
        pad_level: grey level around a letterbox.
        interpolation: kernel of the resize.
        antialias: whether the kernel widens when a picture shrinks.
        mean: for a network that does not normalise by itself: subtracted from [0, 1] values, one per channel.
        std: likewise: divided by.
    """

    resize: Resize = "squash"
    resize_px: int | None = None
    pad_level: int = PAD_LEVEL
    interpolation: Interpolation = "bilinear"
    antialias: bool = True
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A classifier, ready to be exported and attacked.

    Attributes:
        name: as it was asked for.
        twin: the frozen copy, normalisation inside.
        card: of the twin: [0, 1] values, RGB or grey.
        weights_sha256: of the weight file, where one was read.
        card_sources: who said how pictures are prepared: the origin's own metadata, the flags.

    Examples:
        >>> origin = misread.load_origin("signs")
        >>> origin.name, origin.card.size_hw
        ('signs', (48, 48))
    """

    name: str
    twin: Twin
    card: ModelCard
    weights_sha256: str | None
    card_sources: tuple[str, ...] = (GIVEN,)


def load_origin(
    text: str,
    *,
    weights: Path | None = None,
    labels: Path | None = None,
    size_hw: tuple[int, int] | None = None,
    card: ModelCard | None = None,
    preparation: Preparation | None = None,
    arguments: Mapping[str, Setting] | None = None,
    trust: bool = False,
) -> Origin:
    """Load the classifier that `text` names.

    Args:
        text: any form of `ORIGIN_KINDS`: `signs`, `torchvision:NAME`, `file.py:factory`, `network.pt2` ...
        weights: a state dict or safetensors file for the network, or `none` for an untrained one.
        labels: a file of class names, or `none` for numbers as names.
        size_hw: height and width of the network's input in pixels.
        card: instead of `labels`, `size_hw` and `preparation`: everything at once, for the network as it stands; what
            it says of scale, mean, std and BGR order moves into the twin.
        preparation: how pictures are brought to `size_hw`.
        arguments: of the factory, by name.
        trust: let the file run code while it is loaded, where its kind does so.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.

    Examples:
        >>> len(misread.load_origin("signs").card.labels)
        43
    """
    kind = next((kind for kind in ORIGIN_KINDS if kind.claims(text)), None)
    if kind is None:
        forms = ", ".join(kind.form for kind in ORIGIN_KINDS)
        near = hint(text)
        message = f"{text!r} names no classifier{'; ' if near else ''}{near}; an origin is written as one of: {forms}"
        raise ModelError(message)
    untrained = str(weights) == NUMBERED
    request = Request(
        weights=None if untrained else weights, untrained=untrained, arguments=dict(arguments or {}), trust=trust
    )
    loaded = kind.load(text, request)
    told = labels is not None or size_hw is not None or preparation is not None
    if card is not None and told:
        message = "give a card, or labels, size and preparation, not both"
        raise OptionError(message)
    sources: tuple[str, ...] = (
        (GIVEN,) if card is not None or (loaded.card is None and loaded.facts is None) else (loaded.source,)
    )
    sources += (GIVEN,) if told and sources != (GIVEN,) else ()
    assumed = card is None and loaded.card is None and loaded.facts is None and preparation is None
    sources += (DEFAULTS,) if assumed else ()
    card = card or loaded.card
    if card is None or told:
        card = _card_from_flags(text, loaded, labels=labels, size_hw=size_hw, preparation=preparation)
    if card.output != "logits":
        message = f"{text}: attacks and parity need logits; leave the softmax out of the network, and out of the card"
        raise ModelError(message)
    twin, plain = _bake(loaded, card)
    count = count_classes(twin, channels=plain.channels, size_hw=plain.size_hw)
    if count != len(plain.labels):
        message = f"{text} has {count} outputs and its card {len(plain.labels)} labels; they must be as many"
        raise ModelError(message)
    return Origin(name=text, twin=twin, card=plain, weights_sha256=loaded.weights_sha256, card_sources=sources)


def _card_from_flags(
    text: str,
    loaded: Loaded,
    *,
    labels: Path | None,
    size_hw: tuple[int, int] | None,
    preparation: Preparation | None,
) -> ModelCard:
    """Make a card of what was said, what the origin knows, and what a forward pass shows."""
    known = CardFacts.of(loaded.card) if loaded.card else loaded.facts or CardFacts()
    size_hw = size_hw or known.size_hw
    follows = bool(known.said() - {"labels", "size_hw"}) and preparation is None
    if follows and labels is None and known.labels is None:
        return replace(known, size_hw=size_hw).card(text)  # refuses, and lists all that is missing
    missing = [
        *(["--size 224 (its input in pixels)"] if size_hw is None else []),
        *(["--labels FILE (or --labels none)"] if labels is None and known.labels is None else []),
    ]
    if missing or size_hw is None:
        message = f"{text} does not say how it is fed; add {' and '.join(missing)}"
        raise ModelError(message)
    channels, count = _measure(make_twin(loaded.module), size_hw)
    names = known.labels if labels is None and known.labels else read_labels(labels or Path(NUMBERED), count=count)
    if follows:
        return replace(known, labels=names, size_hw=size_hw).card(text)
    given = preparation or Preparation()
    return ModelCard(
        labels=names,
        size_hw=size_hw,
        resize=given.resize,
        resize_px=given.resize_px,
        pad_level=given.pad_level,
        interpolation=given.interpolation,
        antialias=given.antialias,
        colour="grey" if channels == 1 else "rgb",
        mean=given.mean or (0.0,) * channels,
        std=given.std or (1.0,) * channels,
    )


def _measure(twin: Twin, size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return (channels, classes): RGB where the network takes it, else grey."""
    try:
        return 3, count_classes(twin, channels=3, size_hw=size_hw)
    except ModelError as error:
        try:
            return 1, count_classes(twin, channels=1, size_hw=size_hw)
        except MisreadError:
            raise error from None


def _bake(loaded: Loaded, card: ModelCard) -> tuple[Twin, ModelCard]:
    """Move scale, mean, std and BGR order from the card into the twin, which takes RGB or grey in [0, 1]."""
    factor = 255 * card.scale
    scaled = not math.isclose(factor, 1) or any(card.mean) or set(card.std) != {1.0}
    twin = make_twin(
        loaded.module,
        mean=tuple(value / factor for value in card.mean) if scaled else (),
        std=tuple(value / factor for value in card.std) if scaled else (),
        bgr=card.colour == "bgr",
    )
    plain = replace(
        card,
        colour="rgb" if card.colour == "bgr" else card.colour,
        scale=1 / 255,
        mean=(0.0,) * card.channels,
        std=(1.0,) * card.channels,
        baked_normalisation=True,
    )
    return twin, plain
