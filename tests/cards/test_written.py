"""What misread writes for others to read: by their own rules it says what the card says, or it is not there."""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misread.card import CARD_KEY, ModelCard
from misread.cards import CONVENTIONS, find_card, metadata_of, rewritten
from misread.cards.facts import CardFacts

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PLAIN: Final = ModelCard(
    labels=("tench", "king's \"\n", "crane\u202e (2)"),
    size_hw=(224, 224),
    resize="crop",
    resize_px=256,
    interpolation="bicubic",
    mean=MEAN,
    std=STD,
)

CARDS = st.builds(
    lambda geometry, colour, **more: ModelCard(
        **geometry,
        **more,
        colour=colour[0],
        mean=(colour[1],) * (1 if colour[0] == "grey" else 3),
        std=(colour[2],) * (1 if colour[0] == "grey" else 3),
    ),
    geometry=st.one_of(
        st.fixed_dictionaries({"size_hw": st.tuples(st.integers(1, 512), st.integers(1, 512))}),
        st.integers(1, 512).flatmap(
            lambda side: st.fixed_dictionaries(
                {
                    "size_hw": st.sampled_from([(side, side), (side, max(1, side // 2))]),
                    "resize": st.just("crop"),
                    "resize_px": st.integers(side, 4096),
                }
            )
        ),
        st.just({"size_hw": (8, 9), "resize": "letterbox", "pad_level": 7}),
    ),
    labels=st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=4, unique=True).map(tuple),
    interpolation=st.sampled_from(["bilinear", "bicubic", "nearest", "area"]),
    antialias=st.booleans(),
    colour=st.tuples(
        st.sampled_from(["rgb", "bgr", "grey"]), st.sampled_from([0.0, 1.0, 0.5, 103.94]), st.sampled_from([1.0, 0.25])
    ),
    scale=st.sampled_from([1 / 255, 2 / 255, 1.0, 0.017]),
    output=st.sampled_from(["logits", "probabilities"]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CARDS)
def test_each_convention_says_what_the_card_says(card: ModelCard) -> None:
    metadata = metadata_of(card)
    assert ModelCard.from_metadata(metadata) == card
    whole = CardFacts.of(card)
    for convention in CONVENTIONS:
        facts = convention.read(metadata)
        if facts is not None:
            assert facts.agrees(whole), convention.name
    others = {key: value for key, value in metadata.items() if not key.startswith("misread.")}
    again = find_card(others, name="net.onnx", given=card)
    assert again is not None
    assert again.card == card


def test_a_usual_card_comes_back_without_misread_s_own_key() -> None:
    """From what is written for others alone, nothing said by flags."""
    metadata = {key: value for key, value in metadata_of(PLAIN).items() if not key.startswith("misread.")}
    found = find_card(metadata, name="net.onnx")
    assert found is not None
    assert (found.card, found.sources) == (PLAIN, ("timm metadata", "ultralytics keys"))
    del metadata["pretrained_cfg"]
    found = find_card(metadata, name="net.onnx")
    assert found is not None
    assert (found.card, found.sources) == (PLAIN, ("Hugging Face metadata", "ultralytics keys"))


def as_ultralytics(metadata: dict[str, str]) -> dict[str, Any]:
    """Read metadata by the rules of Ultralytics' own loader: five keys must be there, numbers and literals."""
    read: dict[str, Any] = dict(metadata)
    for key, value in metadata.items():
        if key in {"stride", "batch", "channels"}:
            read[key] = int(value)
        elif key in {"imgsz", "names", "kpt_shape", "kpt_names", "args", "end2end"}:
            read[key] = ast.literal_eval(value)
    names = {int(number): str(name) for number, name in read["names"].items()}
    assert max(names) < len(names)
    return {key: read[key] for key in ("stride", "task", "batch", "imgsz")} | {
        "names": names,
        "channels": read.get("channels", 3),
    }


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CARDS)
def test_ultralytics_loader_reads_what_is_written(card: ModelCard) -> None:
    read = as_ultralytics(metadata_of(card))
    assert list(read["names"].items()) == list(enumerate(card.labels))
    assert (read["task"], read["imgsz"], read["channels"]) == ("classify", list(card.size_hw), card.channels)


def test_golden() -> None:
    metadata = metadata_of(PLAIN, source_sha256="5" * 64)
    assert metadata["names"] == "{0: 'tench', 1: 'king\\'s \"\\n', 2: 'crane\\u202e (2)'}"
    assert json.loads(metadata["pretrained_cfg"]) == {
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": list(MEAN),
        "std": list(STD),
        "num_classes": 3,
    }
    assert json.loads(metadata["preprocessor_config"]) == {
        "image_processor_type": "BitImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 256},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(MEAN),
        "image_std": list(STD),
    }
    assert (metadata["Image.BitmapPixelFormat"], metadata["Image.ColorSpaceGamma"]) == ("Rgb8", "SRGB")
    assert "Image.NominalPixelRange" not in metadata  # none of the ranges that have a name
    text = "tench\nking's \"\n\ncrane\u202e (2)\n"
    assert metadata["misread.labels_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert metadata["misread.source_sha256"] == "5" * 64
    assert "misread.source_sha256" not in metadata_of(PLAIN)


@pytest.mark.parametrize(
    ("scale", "mean", "named"),
    [
        (1 / 255, 0.0, "Normalized_0_1"),
        (1.0, 0.0, "NominalRange_0_255"),
        (2 / 255, 1.0, "Normalized_1_1"),
        (1 / 255, 0.5, None),
        (1.0, 1.0, None),
    ],
)
def test_a_range_is_named_where_it_is_one(scale: float, mean: float, named: str | None) -> None:
    card = replace(PLAIN, scale=scale, mean=(mean,) * 3, std=(1.0,) * 3)
    assert metadata_of(card).get("Image.NominalPixelRange") == named


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        ({"colour": "bgr"}, {"pretrained_cfg", "preprocessor_config", "channels"}),
        ({"antialias": False}, {"pretrained_cfg", "preprocessor_config"}),
        ({"interpolation": "area"}, {"pretrained_cfg", "preprocessor_config"}),
        ({"output": "probabilities"}, {"pretrained_cfg", "preprocessor_config"}),
        ({"scale": 1.0}, {"pretrained_cfg"}),
        ({"size_hw": (224, 200)}, {"pretrained_cfg"}),
        ({"resize": "letterbox", "resize_px": None}, {"pretrained_cfg", "preprocessor_config"}),
    ],
)
def test_what_a_convention_cannot_say_is_not_said(change: dict[str, Any], absent: set[str]) -> None:
    usual, other = metadata_of(PLAIN), metadata_of(replace(PLAIN, **change))
    assert set(usual) - set(other) == absent


@pytest.mark.parametrize("side", [1, 7, 48, 224, 299, 384, 511])
def test_a_crop_s_share_gives_its_length_back(side: int) -> None:
    for length in range(side, 4 * side, max(1, side // 50)):
        card = ModelCard(labels=("a", "b"), size_hw=(side, side), resize="crop", resize_px=length)
        assert "pretrained_cfg" in metadata_of(card), length


def test_another_card_takes_the_place_of_all_that_was_said() -> None:
    old = metadata_of(PLAIN, source_sha256="5" * 64) | {"author": "me", "torchvision": "{}"}
    new = replace(PLAIN, colour="bgr", labels=("a", "b"))
    assert rewritten(old, new) == metadata_of(new) | {"author": "me", "misread.source_sha256": "5" * 64}
    assert json.loads(rewritten(old, new)[CARD_KEY])["labels"] == ["a", "b"]
