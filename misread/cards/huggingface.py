"""Hugging Face: `preprocessor_config.json` for the pictures, `id2label` of `config.json` for the outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from misread.cards.facts import CardFacts
from misread.cards.values import broken, flag, json_object, number, numbered_labels, numbers, whole

if TYPE_CHECKING:
    from misread.card import Interpolation, ModelCard

PREPROCESSOR_KEYS: Final = ("preprocessor_config", "preprocessor_config.json")
CONFIG_KEYS: Final = ("config", "config.json")
LABELS_KEY: Final = "id2label"
_KERNELS: Final[tuple[tuple[int, Interpolation], ...]] = ((0, "nearest"), (2, "bilinear"), (3, "bicubic"))
#: Processors that resize, then crop, then rescale, then normalise, each as its fields say and nothing else.
_PLAIN: Final = frozenset(
    {"ViT", "DeiT", "Beit", "Bit", "CLIP", "ChineseCLIP", "MobileNetV1", "MobileNetV2", "MobileViT", "Siglip", "Pvt"}
)
_SUFFIXES: Final = ("Fast", "Pil", "ImageProcessor", "FeatureExtractor")
_CONVNEXT_PX: Final = 384


@final
class HuggingFace:
    """JSON objects under `preprocessor_config`, `config` and `id2label`."""

    name = "Hugging Face metadata"
    keys: tuple[str, ...] = (*PREPROCESSOR_KEYS, *CONFIG_KEYS, LABELS_KEY)

    def read(self, metadata: Mapping[str, str]) -> CardFacts | None:
        """Return what the model's metadata say in this convention, None where they do not follow it.

        Raises:
            ModelError: a key is there and its value is broken.
        """
        facts: CardFacts | None = None
        preprocessor = next((key for key in PREPROCESSOR_KEYS if key in metadata), None)
        if preprocessor is not None:
            facts = preprocessor_facts(json_object(metadata[preprocessor], preprocessor))
        labels = _labels(metadata)
        return facts if labels is None else replace(facts or CardFacts(), labels=labels)

    def write(self, card: ModelCard) -> dict[str, str]:
        """Return a `preprocessor_config` without labels, for RGB: of ViT where it stretches, of BiT where it crops."""
        kernels = {kernel: number for number, kernel in _KERNELS}
        if card.colour != "rgb" or card.interpolation not in kernels or card.resize not in {"squash", "crop"}:
            return {}
        sides = dict(zip(("height", "width"), card.size_hw, strict=True))
        cropped = card.resize == "crop"
        normalises = any(card.mean) or set(card.std) != {1.0}
        config = {
            "image_processor_type": "BitImageProcessor" if cropped else "ViTImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": card.resize_px} if cropped else sides,
            "resample": kernels[card.interpolation],
            **({"do_center_crop": True, "crop_size": sides} if cropped else {}),
            "do_rescale": card.scale != 1,
            "rescale_factor": card.scale,
            "do_normalize": normalises,
            **({"image_mean": card.mean, "image_std": card.std} if normalises else {}),
        }
        return {PREPROCESSOR_KEYS[0]: json.dumps(config)}


def preprocessor_facts(config: Mapping[str, Any]) -> CardFacts:
    """Turn a `preprocessor_config.json` into facts.

    Its resize goes through Pillow, or through torchvision with antialiasing: either widens the kernel. A processor
    that is none of the plain ones may do more than its fields say; its geometry is left open then, and said so.

    Raises:
        ModelError: a value of the wrong type.
    """
    order = "bgr" if _on(config, "do_flip_channel_order", default=False) else "rgb"
    facts = CardFacts(antialias=True, output="logits", colour="bgr" if order == "bgr" else "rgb", **_arithmetic(config))
    kernel = config.get("resample")
    if isinstance(kernel, int) and not isinstance(kernel, bool) and kernel in dict(_KERNELS):
        facts = replace(facts, interpolation=dict(_KERNELS)[kernel])
    elif kernel is not None:
        facts = replace(facts, remarks=(f"Pillow's filter {str(kernel)[:20]} is none of misread's",))
    kind = _kind(config)
    if kind == "ConvNext":
        return _convnext(facts, config)
    if kind not in _PLAIN or config.get("crop_pct") is not None:
        return _remark(
            facts, f"what the image processor {kind[:40] or 'without a name'!r} does is not known to misread"
        )
    return _geometry(facts, config, stretches=kind in {"ViT", "DeiT", "Beit", "Siglip", "Pvt"})


def _kind(config: Mapping[str, Any]) -> str:
    name = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _on(config: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = config.get(name)
    return default if value is None else flag(value, name)


def _arithmetic(config: Mapping[str, Any]) -> dict[str, Any]:
    rescaled = _on(config, "do_rescale", default=True)
    factor = config.get("rescale_factor")
    found: dict[str, Any] = {"scale": number(1 / 255 if factor is None else factor, "rescale_factor")}
    if not rescaled:
        found["scale"] = 1.0
    elif abs(255 * found["scale"] - 1) < 1e-6:
        found["scale"] = 1 / 255
    if _on(config, "do_normalize", default=config.get("image_mean") is not None):
        for name, key in (("mean", "image_mean"), ("std", "image_std")):
            if config.get(key) is None:
                raise broken(key, "numbers, since do_normalize is on", None)
            values = numbers(config[key], key)
            found[name] = values * 3 if len(values) == 1 else values
    return found


def _convnext(facts: CardFacts, config: Mapping[str, Any]) -> CardFacts:
    """ConvNeXT's own rule: below 384 the picture is cropped by `crop_pct`, from there on it is stretched."""
    size = config.get("size")
    side = whole(size.get("shortest_edge") if isinstance(size, Mapping) else size, "size shortest_edge")
    facts = replace(facts, size_hw=(side, side))
    if side >= _CONVNEXT_PX:
        return replace(facts, resize="squash")
    share = config.get("crop_pct")
    share = number(224 / 256 if share is None else share, "crop_pct")
    if not 0 < share <= 1:
        raise broken("crop_pct", "a share in (0, 1]", share)
    return replace(facts, resize="crop", resize_px=int(side / share))


def _geometry(facts: CardFacts, config: Mapping[str, Any], *, stretches: bool) -> CardFacts:
    if not _on(config, "do_resize", default=True):
        return _remark(facts, "its image processor resizes nothing")
    size, short = _size(config.get("size"), stretches=stretches)
    crops = _on(config, "do_center_crop", default=config.get("crop_size") is not None)
    crop = _size(config.get("crop_size"), stretches=True)[0] if crops else None
    if short is not None:
        if crop is None:
            return _remark(facts, "it resizes the shortest side and crops nothing")
        return replace(facts, size_hw=crop, resize="crop", resize_px=short)
    if size is not None and crop in {None, size}:
        return replace(facts, size_hw=size, resize="squash")
    return _remark(replace(facts, size_hw=crop), "it stretches before it crops, which misread does not do")


def _size(value: Any, *, stretches: bool) -> tuple[tuple[int, int] | None, int | None]:
    """Return (height and width, None), or (None, shortest side)."""
    if value is None:
        return None, None
    if not isinstance(value, Mapping):
        side = whole(value, "size")
        return ((side, side), None) if stretches else (None, side)
    if "shortest_edge" in value and "longest_edge" not in value:
        return None, whole(value["shortest_edge"], "size shortest_edge")
    if "height" in value and "width" in value:
        return (whole(value["height"], "size height"), whole(value["width"], "size width")), None
    raise broken("size", "height and width, or shortest_edge", value)


def _remark(facts: CardFacts, remark: str) -> CardFacts:
    return replace(facts, remarks=(*facts.remarks, remark))


def _labels(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    if LABELS_KEY in metadata:
        return numbered_labels(json_object(metadata[LABELS_KEY], LABELS_KEY), LABELS_KEY)
    key = next((key for key in CONFIG_KEYS if key in metadata), None)
    found = json_object(metadata[key], key).get(LABELS_KEY) if key is not None else None
    return None if found is None else numbered_labels(found, LABELS_KEY)
