"""Texts of the command line turned into values: sizes, fractions, and a card for a build that carries none."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

from misread.card import ModelCard
from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PLAIN: Final = ("resize", "resize_px", "pad_level", "interpolation", "antialias", "colour", "output")


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

    def card(self, *, count: int | None = None) -> ModelCard | None:
        """Return the card that the flags describe, or None where none was given.

        Args:
            count: how many outputs the model has, where that is known; `none` for labels needs it.

        Raises:
            OptionError: some were given and not enough; the missing ones are listed together.
            FileError: the labels cannot be read.
        """
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        if all(value is None for value in said.values()):
            return None
        missing = [flag for name, flag in (("labels", "--labels FILE"), ("size", "--size PX")) if said[name] is None]
        if missing or self.labels is None or self.size is None:
            raise OptionError(f"the flags do not describe how the model is fed; add {' and '.join(missing)}")
        from misread.labels import read_labels

        channels = 1 if self.colour == "grey" else 3
        plain = {name: said[name] for name in _PLAIN}
        return ModelCard(
            labels=read_labels(self.labels, count=count),
            size_hw=parse_size(self.size),
            scale=parse_number(self.scale) if self.scale is not None else 1 / 255,
            mean=parse_numbers(self.mean) if self.mean is not None else (0.0,) * channels,
            std=parse_numbers(self.std) if self.std is not None else (1.0,) * channels,
            **{name: value for name, value in plain.items() if value is not None},
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
