"""What one convention says of a card: a part of it, since few say everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from misread.card import Colour, Interpolation, ModelCard, Output, Resize
from misread.errors import ModelError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS: Final = (
    ("labels", "--labels FILE"),
    ("size_hw", "--size PX"),
    ("resize", "--resize squash (or letterbox; or crop, with --resize-px)"),
    ("resize_px", "--resize-px PX"),
    ("interpolation", "--interpolation bilinear"),
    ("antialias", "--antialias (or --no-antialias)"),
    ("colour", "--colour rgb (or bgr, grey)"),
    ("scale", "--scale 1/255"),
    ("output", "--output logits (or probabilities)"),
)
_TOGETHER: Final = (("labels", "numbered"), ("resize", "resize_px", "pad_level"), ("scale", "mean", "std"))
#: Fields that are no facts about a card.
_BESIDE: Final = frozenset({"classes", "remarks"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CardFacts:
    """A card as far as one convention knows it; None is not said.

    The names are those of `ModelCard`. Facts are not checked here: the card refuses what makes no sense.

    Attributes:
        labels: one per output.
        size_hw: height and width of the input in pixels.
        resize: how a picture is brought there.
        resize_px: shortest side before a centre crop.
        pad_level: grey level around a letterbox.
        interpolation: kernel of the resize.
        antialias: whether it widens when a picture shrinks.
        colour: channel order.
        scale: factor on 0..255 pixels.
        mean: subtracted after scaling.
        std: divided by at the end.
        output: what the model returns.
        numbered: the outputs' numbers serve as labels, where true.
        classes: how many outputs there are, for that.
        remarks: what the convention asks for and misread cannot follow, in words.

    Examples:
        >>> misread.load_build("signs.onnx", card=misread.CardFacts(size_hw=(48, 48))).card.size_hw
        (48, 48)
    """

    labels: tuple[str, ...] | None = None
    size_hw: tuple[int, int] | None = None
    resize: Resize | None = None
    resize_px: int | None = None
    pad_level: int | None = None
    interpolation: Interpolation | None = None
    antialias: bool | None = None
    colour: Colour | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    output: Output | None = None
    numbered: bool | None = None
    classes: int | None = None
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, card: ModelCard) -> CardFacts:
        """Return everything that a card says."""
        names = {field.name for field in fields(cls)} - {"numbered", *_BESIDE}
        return cls(**{name: getattr(card, name) for name in names})

    def said(self) -> set[str]:
        """Return the names of the fields that are known."""
        return {field.name for field in fields(self) if getattr(self, field.name) is not None} - _BESIDE

    def filled(self, other: CardFacts) -> CardFacts:
        """Return these facts with the gaps filled from `other`.

        Mode, length and padding of the resize come from one source, and so do scale, mean and std: half of one recipe
        and half of another would be no recipe.
        """
        known = self.said()
        closed = {name for group in _TOGETHER if known & set(group) for name in group}
        taken = {name: getattr(other, name) for name in other.said() - known - closed}
        mine = {name: getattr(self, name) for name in known}
        return CardFacts(
            **mine,
            **taken,
            classes=other.classes if self.classes is None else self.classes,
            remarks=(*self.remarks, *other.remarks),
        )

    def agrees(self, other: CardFacts) -> bool:
        """Tell whether all that is said here is said there too, with nothing that misread could not follow."""
        same = all(getattr(self, name) == getattr(other, name) for name in self.said())
        return same and not self.remarks

    def missing(self) -> list[str]:
        """Return the flags that supply what a card still needs, in the order of the command line."""
        known = self.said() | ({"labels"} if self.numbered else set())
        if self.resize != "crop":
            known.add("resize_px")
        if self.interpolation == "nearest":
            known.add("antialias")
        return [flag for name, flag in FLAGS if name not in known]

    def card(self, name: str) -> ModelCard:
        """Make the card.

        Args:
            name: of the model, for messages.

        Raises:
            ModelError: something is missing, or what was said makes no sense.
        """
        missing = self.missing()
        if missing:
            why = f" ({'; '.join(self.remarks)})" if self.remarks else ""
            message = f"{name} does not say all of how it is fed{why}; add {', '.join(missing)}"
            raise ModelError(message)
        channels = 1 if self.colour == "grey" else 3
        given = {name: getattr(self, name) for name in self.said() - {"numbered"}}
        if self.labels is None:
            given["labels"] = self._numbers(name)
        given.setdefault("mean", (0.0,) * channels)
        given.setdefault("std", (1.0,) * channels)
        try:
            return ModelCard(**given)
        except OptionError as error:
            message = f"what {name} says of how it is fed makes no sense: {error}"
            raise ModelError(message) from error

    def _numbers(self, name: str) -> tuple[str, ...]:
        if self.classes is None:
            message = f"{name} does not declare how many classes it has; name them with --labels FILE"
            raise ModelError(message)
        return tuple(str(number) for number in range(self.classes))


def distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """Tell equal labels apart by their number, as in `crane (134)`: ImageNet has two cranes."""
    counts = Counter(labels)
    return tuple(f"{label} ({at})" if counts[label] > 1 else label for at, label in enumerate(labels))
