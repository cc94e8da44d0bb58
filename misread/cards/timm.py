"""timm's `pretrained_cfg`: how the network was evaluated by those who trained it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from misread.cards.facts import CardFacts
from misread.cards.values import broken, json_object, number, numbered_labels, numbers, whole

if TYPE_CHECKING:
    from misread.card import Interpolation, ModelCard

KEY: Final = "pretrained_cfg"
_KERNELS: Final[tuple[Interpolation, ...]] = ("bilinear", "bicubic", "nearest")
_DEFAULT_CROP: Final = 0.875


@final
class Timm:
    """A JSON object under `pretrained_cfg`, with `label_names` inside or beside it."""

    name = "timm metadata"
    keys: tuple[str, ...] = (KEY,)

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the model's metadata say in this convention, None where they do not follow it.

        Raises:
            ModelError: the key is there and its value is broken.
        """
        text = metadata.get(KEY)
        return None if text is None else timm_facts(json_object(text, KEY))

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return a `pretrained_cfg` without labels, for [0, 1] values with mean and std."""
        if card.scale != 1 / 255 or card.resize not in {"squash", "crop"} or card.colour == "bgr":
            return {}
        cropped = card.resize == "crop"
        config = {
            "input_size": [card.channels, *card.size_hw],
            "interpolation": card.interpolation,
            "crop_pct": _share(card.size_hw[0], card.resize_px or card.size_hw[0]),
            "crop_mode": "center" if cropped else "squash",
            "mean": card.mean,
            "std": card.std,
            "num_classes": len(card.labels),
        }
        return {KEY: json.dumps(config)}


def _share(side: int, whole_side: int) -> float:
    """Return the share that timm turns back into `whole_side`, whose quotient it rounds down."""
    share = side / whole_side
    return share if math.floor(side / share) == whole_side else math.nextafter(share, 0)


def timm_facts(config: Mapping[str, Any]) -> CardFacts:
    """Turn a `pretrained_cfg` into facts.

    timm's evaluation resizes the shortest side to `floor(size / crop_pct)` with Pillow, which antialiases, and crops
    the centre; `crop_mode` squash stretches instead.

    Raises:
        ModelError: a value of the wrong type.
    """
    facts = CardFacts(antialias=True, output="logits", scale=1 / 255, **_arithmetic(config))
    labels = config.get("label_names")
    if labels is not None:
        facts = replace(facts, labels=numbered_labels(labels, f"{KEY} label_names"))
    kernel = config.get("interpolation")
    if kernel in _KERNELS:
        facts = replace(facts, interpolation=kernel)
    elif kernel is not None:
        facts = replace(facts, remarks=(f"timm's interpolation {str(kernel)[:20]!r} is none of misread's",))
    shape = config.get("input_size")
    if shape is None:
        return facts
    if not isinstance(shape, list | tuple) or len(shape) != 3:
        raise broken(f"{KEY} input_size", "channels, height and width", shape)
    channels, *size = (whole(side, f"{KEY} input_size") for side in shape)
    facts = replace(facts, size_hw=(size[0], size[1]), colour="grey" if channels == 1 else "rgb")
    return _with_crop(facts, config, (size[0], size[1]))


def _arithmetic(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: numbers(config[name], f"{KEY} {name}") for name in ("mean", "std") if config.get(name) is not None}


def _with_crop(facts: CardFacts, config: Mapping[str, Any], size: tuple[int, int]) -> CardFacts:
    share = config.get("crop_pct")
    share = number(_DEFAULT_CROP if share is None else share, f"{KEY} crop_pct")
    if not 0 < share <= 1:
        raise broken(f"{KEY} crop_pct", "a share in (0, 1]", share)
    mode = str(config.get("crop_mode") or "center")[:20]
    if mode == "squash" and share == 1:
        return replace(facts, resize="squash")
    if mode == "center" and size[0] == size[1]:
        return replace(facts, resize="crop", resize_px=math.floor(size[0] / share))
    remark = f"timm's crop_mode {mode!r} with crop_pct {share:g} at {size[0]}x{size[1]} is none of misread's"
    return replace(facts, remarks=(*facts.remarks, remark))
