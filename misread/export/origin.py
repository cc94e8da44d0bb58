"""From the text after `misread export` to a twin with its card."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from misread.card import Interpolation, ModelCard, Resize
from misread.errors import MisreadError, ModelError, OptionError
from misread.export.origins import ORIGIN_KINDS
from misread.export.twin import Twin, count_classes, make_twin
from misread.labels import NUMBERED, read_labels

if TYPE_CHECKING:
    from misread.export.origins.base import Loaded


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How the pictures of a network are prepared, as far as its size does not say; the flags of the command line.

    Attributes:
        resize: `squash`, or `crop` with `resize_px`.
        resize_px: shortest side before the centre crop.
        interpolation: kernel of the resize.
        antialias: whether the kernel widens when a picture shrinks.
        mean: for a network that does not normalise by itself: subtracted from [0, 1] values, one per channel.
        std: likewise: divided by.
    """

    resize: Resize = "squash"
    resize_px: int | None = None
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
    """

    name: str
    twin: Twin
    card: ModelCard
    weights_sha256: str | None


def load_origin(
    text: str,
    *,
    weights: Path | None = None,
    labels: Path | None = None,
    size_hw: tuple[int, int] | None = None,
    card: ModelCard | None = None,
    preparation: Preparation | None = None,
) -> Origin:
    """Load the classifier that `text` names.

    Args:
        text: `signs`, `file.py:factory` or `package.module:factory`.
        weights: a state dict or safetensors file for the network.
        labels: a file of class names, or `none` for numbers as names.
        size_hw: height and width of the network's input in pixels.
        card: instead of `labels`, `size_hw` and `preparation`: everything at once, for the network as it stands; what
            it says of scale, mean, std and BGR order moves into the twin.
        preparation: how pictures are brought to `size_hw`.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
    """
    kind = next((kind for kind in ORIGIN_KINDS if kind.claims(text)), None)
    if kind is None:
        forms = ", ".join(kind.form for kind in ORIGIN_KINDS)
        message = f"{text!r} names no classifier; an origin is written as one of: {forms}"
        raise ModelError(message)
    loaded = kind.load(text, weights)
    told = labels is not None or size_hw is not None or preparation is not None
    if card is not None and told:
        message = "give a card, or labels, size and preparation, not both"
        raise OptionError(message)
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
    return Origin(name=text, twin=twin, card=plain, weights_sha256=loaded.weights_sha256)


def _card_from_flags(
    text: str,
    loaded: Loaded,
    *,
    labels: Path | None,
    size_hw: tuple[int, int] | None,
    preparation: Preparation | None,
) -> ModelCard:
    """Make a card of what was said, what the origin knows, and what a forward pass shows."""
    known = loaded.card
    size_hw = size_hw or (known.size_hw if known else None)
    missing = [
        *(["--size 224 (its input in pixels)"] if size_hw is None else []),
        *(["--labels FILE (or --labels none)"] if labels is None and known is None else []),
    ]
    if missing or size_hw is None:
        message = f"{text} does not say how it is fed; add {' and '.join(missing)}"
        raise ModelError(message)
    channels, count = _measure(make_twin(loaded.module), size_hw)
    names = known.labels if known and labels is None else read_labels(labels or Path(NUMBERED), count=count)
    if known and preparation is None:
        return replace(known, labels=names, size_hw=size_hw)
    given = preparation or Preparation()
    return ModelCard(
        labels=names,
        size_hw=size_hw,
        resize=given.resize,
        resize_px=given.resize_px,
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
