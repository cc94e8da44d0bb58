"""Texts of the command line turned into values: sizes, fractions, and what flags say of a card."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, get_args

from misread.card import Colour, Interpolation, Output, Resize
from misread.cards.facts import CardFacts
from misread.errors import OptionError
from misread.labels import NUMBERED, read_labels
from misread.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PLAIN: Final = ("resize", "resize_px", "pad_level", "interpolation", "antialias", "colour", "output")
_CHOICES: Final = (("resize", Resize), ("interpolation", Interpolation), ("colour", Colour), ("output", Output))


@dataclass(frozen=True, kw_only=True, slots=True)
class CardFlags:
    """What a user may say about how a build is fed; None is not said.

    Attributes:
        labels: file of class names.
        size: `224`, or height x width as in `224x320`.
        resize: `squash`, `crop` or `letterbox`.
        resize_px: shortest side before the crop.
        pad_level: grey level around a letterbox.
        interpolation: kernel of the resize.
        antialias: whether the kernel widens when a picture shrinks.
        colour: channel order.
        scale: factor on 0..255 pixels, such as `1/255`.
        mean: numbers with commas between.
        std: likewise.
        output: `logits` or `probabilities`.
    """

    labels: Path | None = None
    size: str | None = None
    resize: str | None = None
    resize_px: int | None = None
    pad_level: int | None = None
    interpolation: str | None = None
    antialias: bool | None = None
    colour: str | None = None
    scale: str | None = None
    mean: str | None = None
    std: str | None = None
    output: str | None = None

    def facts(self) -> CardFacts | None:
        """Return what the flags say of a card, or None where none was given.

        Whoever gives one of scale, mean and std gives all three: the others are 1/255, 0 and 1.

        Raises:
            OptionError: a value that no card has.
            FileError: the labels cannot be read.
        """
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        if all(value is None for value in said.values()):
            return None
        for name, kind in _CHOICES:
            if said[name] is not None and said[name] not in get_args(kind):
                raise OptionError(unknown(name, said[name], get_args(kind)))
        numbered = str(self.labels) == NUMBERED
        computes = any(said[name] is not None for name in ("scale", "mean", "std"))
        return CardFacts(
            labels=None if self.labels is None or numbered else read_labels(self.labels),
            numbered=numbered or None,
            size_hw=None if self.size is None else parse_size(self.size),
            scale=parse_number(self.scale or "1/255") if computes else None,
            mean=None if self.mean is None else parse_numbers(self.mean),
            std=None if self.std is None else parse_numbers(self.std),
            **{name: said[name] for name in _PLAIN},
        )


def parse_number(text: str) -> float:
    """Read `8/255`, `0.03` or `1e-3`.

    Raises:
        OptionError: it is neither.
    """
    try:
        above, _, below = text.partition("/")
        number = float(above) / float(below) if "/" in text else float(text)
    except (ValueError, ZeroDivisionError) as error:
        raise OptionError(f"expected a number such as 8/255 or 0.03, got {text!r}") from error
    if not math.isfinite(number):
        raise OptionError(f"expected a finite number such as 8/255 or 0.03, got {text!r}")
    return number


def parse_numbers(text: str) -> tuple[float, ...]:
    """Read numbers with commas between, as in `0.485,0.456,0.406`.

    Raises:
        OptionError: one of them is no number.
    """
    return tuple(parse_number(part) for part in text.split(","))


def parse_points(text: str) -> tuple[tuple[float, float], ...]:
    """Read points with blanks between, as in `12,8 52,8 32,44`.

    Raises:
        OptionError: one of them is no pair of numbers.
    """
    points = [parse_numbers(part) for part in text.split()]
    if any(len(point) != 2 for point in points):
        raise OptionError(f"expected points X,Y with blanks between, such as '12,8 52,8 32,44', got {text!r}")
    return tuple((point[0], point[1]) for point in points)


def parse_size(text: str) -> tuple[int, int]:
    """Read `224` or height x width, as in `224x320`.

    Raises:
        OptionError: it is neither.
    """
    sides = text.lower().split("x")
    if not 1 <= len(sides) <= 2 or not all(side.strip().isdecimal() for side in sides):
        raise OptionError(f"expected a size in pixels such as 224, or height x width such as 224x320, got {text!r}")
    return int(sides[0]), int(sides[-1])


def parse_batch(text: str) -> int | Literal["dynamic"]:
    """Read a whole number of pictures per call, or `dynamic`.

    Raises:
        OptionError: it is neither.
    """
    if text == "dynamic":
        return "dynamic"
    if not (text.isdecimal() and int(text) >= 1):
        raise OptionError(f"batch is a number of pictures from 1 or 'dynamic', got {text!r}")
    return int(text)


def parse_settings(texts: Sequence[str]) -> dict[str, int | float | bool | str]:
    """Read `name=value` texts: whole numbers, fractions, `true` and `false`, else words.

    Raises:
        OptionError: one has no name or no value, or a name stands twice.
    """
    settings: dict[str, int | float | bool | str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value or name in settings:
            raise OptionError(f"expected each setting once as NAME=VALUE, such as steps=100, got {text!r}")
        settings[name] = _value(value)
    return settings


def _value(text: str) -> int | float | bool | str:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return parse_number(text)
    except OptionError:
        return text
