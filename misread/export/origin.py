"""From the text after `misread export` to a twin with its card."""

from __future__ import annotations

from dataclasses import dataclass
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

    def __post_init__(self) -> None:
        """Refuse a normalisation that divides by nothing."""
        if not all(value > 0 for value in self.std):
            message = f"std must be positive, got {self.std}"
            raise OptionError(message)


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
        card: instead of `labels`, `size_hw` and `preparation`: everything at once.
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
    if card is None:
        card = loaded.card
    elif labels is not None or size_hw is not None or preparation is not None:
        message = "give a card, or labels, size and preparation, not both"
        raise OptionError(message)
    if card is not None and labels is None and size_hw is None and preparation is None:
        twin = make_twin(loaded.module)
        _check_card(text, twin, card)
        return Origin(name=text, twin=twin, card=card, weights_sha256=loaded.weights_sha256)
    return _from_flags(text, loaded, labels=labels, size_hw=size_hw, preparation=preparation)


def _from_flags(
    text: str,
    loaded: Loaded,
    *,
    labels: Path | None,
    size_hw: tuple[int, int] | None,
    preparation: Preparation | None,
) -> Origin:
    known = loaded.card
    size_hw = size_hw or (known.size_hw if known else None)
    missing = [
        *(["--size 224 (its input in pixels)"] if size_hw is None else []),
        *(["--labels FILE (or --labels none)"] if labels is None and known is None else []),
    ]
    if missing or size_hw is None:
        message = f"{text} does not say how it is fed; add {' and '.join(missing)}"
        raise ModelError(message)
    if preparation is None:
        preparation = _preparation_of(known) if known else Preparation()
    twin = make_twin(loaded.module, mean=preparation.mean, std=preparation.std)
    channels, count = _measure(twin, size_hw)
    names = known.labels if known and labels is None else read_labels(labels or Path(NUMBERED), count=count)
    card = ModelCard(
        labels=names,
        size_hw=size_hw,
        resize=preparation.resize,
        resize_px=preparation.resize_px,
        interpolation=preparation.interpolation,
        antialias=preparation.antialias,
        colour="grey" if channels == 1 else "rgb",
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        baked_normalisation=True,
    )
    _check_card(text, twin, card)
    return Origin(name=text, twin=twin, card=card, weights_sha256=loaded.weights_sha256)


def _measure(twin: Twin, size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return (channels, classes): RGB where the network takes it, else grey."""
    try:
        return 3, count_classes(twin, channels=3, size_hw=size_hw)
    except ModelError as error:
        try:
            return 1, count_classes(twin, channels=1, size_hw=size_hw)
        except MisreadError:
            raise error from None


def _check_card(text: str, twin: Twin, card: ModelCard) -> None:
    """Refuse a card that the twin cannot be fed by: the twin takes [0, 1] values, RGB or grey, and gives logits."""
    plain = not any(card.mean) and set(card.std) == {1.0} and card.colour != "bgr" and card.output == "logits"
    if not plain or card.scale != 1 / 255:
        message = f"{text}: a twin takes RGB or grey in [0, 1] and gives logits; put normalisation into the network"
        raise ModelError(message)
    count = count_classes(twin, channels=card.channels, size_hw=card.size_hw)
    if count != len(card.labels):
        message = f"{text} has {count} outputs and its card {len(card.labels)} labels; they must be as many"
        raise ModelError(message)


def _preparation_of(card: ModelCard) -> Preparation:
    return Preparation(
        resize=card.resize,
        resize_px=card.resize_px,
        interpolation=card.interpolation,
        antialias=card.antialias,
    )
