"""The model card: all that turns a picture into a model's input and its output into a label.

It travels inside the ONNX file, in its metadata, so that a build cannot be separated from how it must be fed.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

from misread.errors import ModelError, OptionError, UnknownName
from misread.registry import unknown
from misread.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

Resize = Literal["squash", "crop", "letterbox"]
Interpolation = Literal["bilinear", "bicubic", "nearest", "area"]
Colour = Literal["rgb", "bgr", "grey"]
Output = Literal["logits", "probabilities"]

CARD_KEY: Final = "misread.card"
MAX_CARD_CHARS: Final = 4 * 2**20
MAX_LABEL_CHARS: Final = 1024
MAX_SIDE_PX: Final = 4096
PAD_LEVEL: Final = 114
_SCHEMAS: Final = (1, 2)
_HALVES: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """How a picture becomes the input, and what the outputs mean.

    The input is ``(pixel * scale - mean) / std`` on 0..255 pixels, channel by channel in the order of `colour`.

    Attributes:
        labels: one per output, in order; unique.
        size_hw: height and width of the model's input in pixels.
        resize: `squash` stretches to `size_hw`; `crop` brings the shortest side to `resize_px` and crops the centre;
            `letterbox` brings the picture inside `size_hw` without stretching it and pads what is left.
        resize_px: shortest side before the centre crop; only with `crop`.
        pad_level: grey level, 0 to 255, around the picture; only with `letterbox`.
        interpolation: kernel of the resize.
        antialias: whether the kernel widens when a picture shrinks, as Pillow's does.
        colour: channel order that the model expects; `grey` is one channel.
        scale: factor on 0..255 pixels.
        mean: subtracted after scaling, one per channel.
        std: divided by at the end, one per channel.
        output: what the model returns.
        baked_normalisation: the graph itself normalises; for the reader of the card only.
        baked_preprocessing: the graph itself does all of the above: it takes the picture, (n, h, w, 3) uint8 RGB of any
            size, and the card says what the graph makes of it.

    Examples:
        >>> card = misread.ModelCard(labels=("dark", "bright"), size_hw=(8, 8))
        >>> card.labels[card.index("bright")]
        'bright'
    """

    labels: tuple[str, ...]
    size_hw: tuple[int, int]
    resize: Resize = "squash"
    resize_px: int | None = None
    pad_level: int = PAD_LEVEL
    interpolation: Interpolation = "bilinear"
    antialias: bool = True
    colour: Colour = "rgb"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    output: Output = "logits"
    baked_normalisation: bool = False
    baked_preprocessing: bool = False

    def __post_init__(self) -> None:
        """Refuse a card that no picture could follow."""
        self._check_labels()
        self._check_geometry()
        self._check_arithmetic()

    @property
    def channels(self) -> int:
        """1 for grey models, 3 otherwise."""
        return 1 if self.colour == "grey" else 3

    @property
    def _schema(self) -> int:
        """2 for what a misread that reads only 1 must refuse."""
        return 2 if self.resize == "letterbox" or self.baked_preprocessing else 1

    def index(self, label: str) -> int:
        """Return the output number of `label`, upper and lower case ignored when that is unambiguous.

        Raises:
            UnknownName: no such label; near ones are suggested.
        """
        if label in self.labels:
            return self.labels.index(label)
        folded = [entry.casefold() for entry in self.labels]
        if folded.count(label.casefold()) == 1:
            return folded.index(label.casefold())
        raise UnknownName(unknown("label", label, self.labels))

    def stretching(self) -> Self:
        """Return the card of a picture that fills the input already: only its size may still be wrong."""
        return replace(self, resize="squash", resize_px=None, pad_level=PAD_LEVEL)

    def to_fields(self) -> dict[str, Any]:
        """Return the fields as they are written; those of schema 1 alone unless the card needs more."""
        known = asdict(self)
        if self._schema == 1:
            del known["pad_level"], known["baked_preprocessing"]
        return known

    def to_metadata(self) -> dict[str, str]:
        """Return ONNX metadata: misread's own key, and the ones that other tools read."""
        from misread.cards import metadata_of

        return metadata_of(self)

    def own_metadata(self) -> dict[str, str]:
        """Return misread's own key alone."""
        return {CARD_KEY: json.dumps({"schema": self._schema, **self.to_fields()}, ensure_ascii=False)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """Read the card that misread wrote, or return None where there is none.

        Raises:
            ModelError: there is one, and it is broken, too large or of a newer schema.
        """
        text = metadata.get(CARD_KEY)
        if text is None:
            return None
        if len(text) > MAX_CARD_CHARS:
            message = f"the model's card has {len(text)} characters; at most {MAX_CARD_CHARS} are read"
            raise ModelError(message)
        try:
            fields = json.loads(text, object_pairs_hook=_once)
            if fields.pop("schema") not in _SCHEMAS:
                message = f"the model's card is of another schema than {_SCHEMAS[0]} and {_SCHEMAS[1]}; update misread"
                raise ModelError(message)
            return cls(**{name: _frozen(value) for name, value in fields.items()})
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError, OptionError) as error:
            message = (
                f"the model's card is broken: {shorten(str(error), 300)}; export it again, or give the card's flags"
            )
            raise ModelError(message) from error

    def _check_labels(self) -> None:
        labels: object = self.labels
        if not isinstance(labels, tuple) or not all(map(isinstance, labels, repeat(str))) or "" in labels:
            message = "every label must be a non-empty text"
            raise OptionError(message)
        if len(self.labels) < 2:
            message = f"a classifier needs at least 2 labels, got {len(self.labels)}"
            raise OptionError(message)
        long = max(self.labels, key=len)
        if len(long) > MAX_LABEL_CHARS:
            message = f"a label has at most {MAX_LABEL_CHARS} characters, {long[:40]!r}… has {len(long)}"
            raise OptionError(message)
        if _HALVES.search("\n".join(self.labels)):
            message = "a label holds half of a surrogate pair, which no file or screen can"
            raise OptionError(message)
        if len(set(self.labels)) < len(self.labels):
            twice = next(label for label, times in Counter(self.labels).items() if times > 1)
            message = f"labels must be unique, {twice!r} stands twice"
            raise OptionError(message)

    def _check_geometry(self) -> None:
        _choice("resize", self.resize, get_args(Resize))
        _choice("interpolation", self.interpolation, get_args(Interpolation))
        sides: tuple[int, ...] = self.size_hw
        if len(sides) != 2 or not all(_whole(side) and 1 <= side <= MAX_SIDE_PX for side in sides):
            message = f"size must be height and width from 1 to {MAX_SIDE_PX} pixels, got {self.size_hw}"
            raise OptionError(message)
        if self.resize == "crop":
            if self.resize_px is None or not _whole(self.resize_px):
                message = "resize 'crop' needs the shortest side before the crop; give --resize-px, such as 256"
                raise OptionError(message)
            if not max(self.size_hw) <= self.resize_px <= MAX_SIDE_PX:
                message = (
                    f"resize_px must be from {max(self.size_hw)} (the crop) to {MAX_SIDE_PX}, got {self.resize_px}"
                )
                raise OptionError(message)
        elif self.resize_px is not None:
            message = f"resize_px belongs to resize 'crop', not to {self.resize!r}; add --resize crop"
            raise OptionError(message)
        if not (_whole(self.pad_level) and 0 <= self.pad_level <= 255):
            message = f"pad_level is a grey level from 0 to 255, got {self.pad_level!r}"
            raise OptionError(message)
        if self.resize != "letterbox" and self.pad_level != PAD_LEVEL:
            message = f"pad_level belongs to resize 'letterbox', not to {self.resize!r}; add --resize letterbox"
            raise OptionError(message)

    def _check_arithmetic(self) -> None:
        _choice("colour", self.colour, get_args(Colour))
        _choice("output", self.output, get_args(Output))
        flags: tuple[tuple[str, object], ...] = (
            ("antialias", self.antialias),
            ("baked_normalisation", self.baked_normalisation),
            ("baked_preprocessing", self.baked_preprocessing),
        )
        for name, value in flags:
            if not isinstance(value, bool):
                message = f"{name} is true or false, got {value!r}"
                raise OptionError(message)
        if not (math.isfinite(self.scale) and self.scale > 0):
            message = f"scale must be a positive number such as 1/255, got {self.scale}"
            raise OptionError(message)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels or not all(math.isfinite(value) for value in values):
                message = f"{name} must hold {self.channels} finite numbers for colour {self.colour!r}, got {values}"
                raise OptionError(message)
        if not all(value > 0 for value in self.std):
            message = f"std must be positive, got {self.std}"
            raise OptionError(message)


def _choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise OptionError(unknown(name, str(value), known))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object whose keys stand once: readers of JSON differ in which of two they take."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"{twice[:40]!r} stands twice in it")
    return found


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
