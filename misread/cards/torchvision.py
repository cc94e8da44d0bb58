"""torchvision's weight metadata: categories, and the preset that prepares pictures for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from misread.cards.facts import CardFacts
from misread.cards.values import broken, flag, json_object, numbered_labels, numbers, whole

if TYPE_CHECKING:
    from misread.card import Interpolation, ModelCard

KEY: Final = "torchvision"
_KERNELS: Final[tuple[tuple[str, Interpolation], ...]] = (
    ("bilinear", "bilinear"),
    ("bicubic", "bicubic"),
    ("nearest-exact", "nearest"),
)


@final
class Torchvision:
    """A JSON object under `torchvision`: the preset's fields and `categories`.

    torchvision itself writes no ONNX metadata; the fields are those of its `ImageClassification` preset.
    """

    name = "torchvision metadata"
    keys: tuple[str, ...] = (KEY,)

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the model's metadata say in this convention, None where they do not follow it.

        Raises:
            ModelError: the key is there and its value is broken.
        """
        text = metadata.get(KEY)
        return None if text is None else torchvision_facts(json_object(text, KEY))

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return nothing: no tool but misread reads these fields."""
        del card
        return {}


def torchvision_facts(preset: Mapping[str, Any]) -> CardFacts:
    """Turn `crop_size`, `resize_size`, `mean`, `std`, `interpolation`, `antialias` and `categories` into facts.

    Raises:
        ModelError: a value of the wrong type.
    """
    arithmetic: dict[str, Any] = {
        name: numbers(preset[name], f"{KEY} {name}") for name in ("mean", "std") if preset.get(name) is not None
    }
    facts = CardFacts(scale=1 / 255, colour="rgb", output="logits", **arithmetic)
    if preset.get("categories") is not None:
        facts = replace(facts, labels=numbered_labels(preset["categories"], f"{KEY} categories"))
    if preset.get("antialias") is not None:
        facts = replace(facts, antialias=flag(preset["antialias"], f"{KEY} antialias"))
    kernel = preset.get("interpolation")
    if isinstance(kernel, str) and kernel in dict(_KERNELS):
        facts = replace(facts, interpolation=dict(_KERNELS)[kernel])
    elif kernel is not None:
        facts = replace(facts, remarks=(f"torchvision's interpolation {str(kernel)[:20]!r} is none of misread's",))
    return _with_geometry(facts, preset)


def _with_geometry(facts: CardFacts, preset: Mapping[str, Any]) -> CardFacts:
    crop, resize = _sides(preset, "crop_size"), _sides(preset, "resize_size")
    if crop is None:
        return facts
    facts = replace(facts, size_hw=(crop[0], crop[-1]))
    if resize is None:
        return facts
    if len(resize) == 1:
        return replace(facts, resize="crop", resize_px=resize[0])
    if resize == (crop[0], crop[-1]):
        return replace(facts, resize="squash")
    return replace(facts, remarks=(*facts.remarks, "torchvision stretches before it crops, which misread does not do"))


def _sides(preset: Mapping[str, Any], name: str) -> tuple[int, ...] | None:
    value = preset.get(name)
    if value is None:
        return None
    sides = tuple(whole(side, f"{KEY} {name}") for side in (value if isinstance(value, list | tuple) else (value,)))
    if not 1 <= len(sides) <= 2:
        raise broken(f"{KEY} {name}", "one or two sides", value)
    return sides
