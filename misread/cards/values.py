"""Values of strangers' metadata, read with their type and their bounds, and never evaluated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from misread.card import MAX_CARD_CHARS
from misread.cards.facts import distinct
from misread.errors import ModelError


def json_object(text: str, key: str) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: too large, no JSON, no object.
    """
    bounded(text, key)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"the model's {key} metadata is no JSON: {error}; export it again, or remove the key"
        raise ModelError(message) from error
    if not isinstance(value, dict):
        raise broken(key, "a JSON object", value)
    return value


def bounded(text: str, key: str) -> None:
    """Refuse a value that nobody wrote by hand or by tool.

    Raises:
        ModelError: more than `MAX_CARD_CHARS` characters.
    """
    if len(text) > MAX_CARD_CHARS:
        message = f"the model's {key} metadata has {len(text)} characters; at most {MAX_CARD_CHARS} are read"
        raise ModelError(message)


def number(value: Any, key: str) -> float:
    """Read one finite number.

    Raises:
        ModelError: it is none.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise broken(key, "a finite number", value)


def numbers(value: Any, key: str) -> tuple[float, ...]:
    """Read numbers: a list of them, or one that stands alone.

    Raises:
        ModelError: neither.
    """
    if isinstance(value, list | tuple):
        if not 1 <= len(value) <= 4:
            raise broken(key, "one to four numbers", value)
        return tuple(number(entry, key) for entry in value)
    return (number(value, key),)


def whole(value: Any, key: str) -> int:
    """Read one whole number, `224.0` included.

    Raises:
        ModelError: it is none.
    """
    found = number(value, key)
    if found != int(found):
        raise broken(key, "a whole number", value)
    return int(found)


def flag(value: Any, key: str) -> bool:
    """Read true or false.

    Raises:
        ModelError: neither.
    """
    if not isinstance(value, bool):
        raise broken(key, "true or false", value)
    return value


def numbered_labels(value: Any, key: str) -> tuple[str, ...]:
    """Read labels: a list of texts, or an object from number to text without a gap; equal ones are told apart.

    Raises:
        ModelError: neither.
    """
    if isinstance(value, Mapping):
        value = _in_order(value, key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise broken(key, "labels by number", value)
    if not all(isinstance(label, str) and label for label in value):
        raise broken(
            key, "a text for every label", next(label for label in value if not isinstance(label, str) or not label)
        )
    return distinct(value)


def broken(key: str, expected: str, got: object) -> ModelError:
    """Word the refusal of a value."""
    shown = repr(got)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return ModelError(f"the model's {key} metadata must hold {expected}, got {shown}; export it again with its tool")


def _in_order(by_number: Mapping[Any, Any], key: str) -> list[Any]:
    try:
        found = {int(at): label for at, label in by_number.items() if len(str(at)) <= 9}
    except (TypeError, ValueError) as error:
        raise broken(key, "labels by number", list(by_number)) from error
    if sorted(found) != list(range(len(by_number))):
        raise broken(key, f"labels numbered from 0 to {len(by_number) - 1} without a gap", list(by_number))
    return [found[at] for at in range(len(found))]
