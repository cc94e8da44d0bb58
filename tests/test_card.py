"""The card: refusals at birth, the round trip through metadata, strangers' cards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misread.card import CARD_KEY, MAX_CARD_CHARS, ModelCard
from misread.errors import MisreadError, ModelError, OptionError, UnknownName

GOOD: dict[str, Any] = {"labels": ("a", "b"), "size_hw": (8, 8)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("a",)}, "at least 2 labels, got 1"),
        ({"labels": ("a", "")}, "non-empty text"),
        ({"labels": ("a", "b", "a")}, "'a' stands twice"),
        ({"size_hw": (8,)}, "height and width"),
        ({"size_hw": (0, 8)}, "height and width"),
        ({"size_hw": (8, 5000)}, "height and width"),
        ({"size_hw": (True, 8)}, "height and width"),
        ({"resize": "stretch"}, "unknown resize 'stretch'"),
        ({"resize": "crop"}, "give --resize-px"),
        ({"resize": "crop", "resize_px": 7}, r"from 8 \(the crop\)"),
        ({"resize_px": 9}, "add --resize crop"),
        ({"resize": "letterbox", "resize_px": 9}, "add --resize crop"),
        ({"resize": "letterbox", "pad_level": 256}, "grey level from 0 to 255, got 256"),
        ({"resize": "letterbox", "pad_level": 0.5}, "grey level from 0 to 255, got 0.5"),
        ({"pad_level": 0}, "add --resize letterbox"),
        ({"interpolation": "biliner"}, "did you mean 'bilinear'"),
        ({"colour": "brg"}, "did you mean"),
        ({"output": "scores"}, "unknown output"),
        ({"scale": 0.0}, "positive number"),
        ({"scale": float("nan")}, "positive number"),
        ({"mean": (0.0,)}, "mean must hold 3 finite numbers"),
        ({"mean": (0.0, float("inf"), 0.0)}, "mean must hold 3 finite numbers"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be positive"),
        ({"colour": "grey"}, "mean must hold 1 finite numbers"),
    ],
)
def test_nonsense_is_refused_at_birth(change: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        ModelCard(**(GOOD | change))


CARDS = st.builds(
    ModelCard,
    labels=st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=5, unique=True).map(tuple),
    size_hw=st.tuples(st.integers(1, 512), st.integers(1, 512)),
    interpolation=st.sampled_from(["bilinear", "bicubic", "nearest", "area"]),
    antialias=st.booleans(),
    colour=st.sampled_from(["rgb", "bgr"]),
    scale=st.floats(1e-6, 1e3),
    mean=st.tuples(*[st.floats(-300, 300)] * 3),
    std=st.tuples(*[st.floats(1e-3, 300)] * 3),
    output=st.sampled_from(["logits", "probabilities"]),
    baked_normalisation=st.booleans(),
)


@given(CARDS)
def test_a_card_comes_back_from_its_metadata(card: ModelCard) -> None:
    assert ModelCard.from_metadata(card.to_metadata()) == card


def test_only_a_letterbox_needs_the_new_schema_and_a_card_of_before_still_reads() -> None:
    plain = json.loads(ModelCard(**GOOD).to_metadata()[CARD_KEY])
    assert (plain["schema"], "pad_level" in plain) == (1, False)  # what misread 0.1 reads, to the key
    padded = ModelCard(**GOOD, resize="letterbox", pad_level=0)
    written = json.loads(padded.to_metadata()[CARD_KEY])
    assert (written["schema"], written["pad_level"]) == (
        2,
        0,
    )  # misread 0.1: "of another schema than 1"
    assert ModelCard.from_metadata(padded.to_metadata()) == padded
    assert padded.stretching() == ModelCard(**GOOD)


def test_no_card_is_none_and_not_an_error() -> None:
    assert ModelCard.from_metadata({"names": "{}"}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "card is broken"),
        ("[]", "card is broken"),
        ("{}", "card is broken"),
        ('{"schema": 3}', "another schema than 1 and 2; update misread"),
        ('{"schema": 1, "labels": ["a", "b"], "size_hw": [8, 8], "__class__": "os"}', "card is broken"),
        ('{"schema": 1, "labels": ["a", "b"], "size_hw": 8}', "card is broken"),
        ('{"schema": 1, "labels": "ab", "size_hw": ["8", 8]}', "card is broken"),
        ('{"schema": 1, "labels": [["a"], ["b"]], "size_hw": [8, 8]}', "card is broken"),
        ('{"schema": 1, "labels": ["a", "b"], "size_hw": [8, 8], "antialias": {}}', "antialias is true or false"),
        ('{"schema": 1, "labels": ["a", "b"], "size_hw": [8, 8], "scale": 1' + "0" * 400 + "}", "card is broken"),
        ("[" * 100_000, "card is broken"),
        ("x" * (MAX_CARD_CHARS + 1), "at most"),
    ],
)
def test_a_strangers_card_ends_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelCard.from_metadata({CARD_KEY: text})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*ModelCard.__dataclass_fields__, "schema", "else"]), JSON))
def test_any_json_is_a_card_or_a_refusal(fields: dict[str, Any]) -> None:
    try:
        card = ModelCard.from_metadata({CARD_KEY: json.dumps(GOOD | {"schema": 1} | fields)})
    except MisreadError:
        return
    assert isinstance(card, ModelCard)


def test_labels_are_found_with_and_without_case_and_suggested() -> None:
    card = ModelCard(labels=("Stop", "stop", "Give way"), size_hw=(8, 8))
    assert (card.index("Stop"), card.index("stop"), card.index("give WAY")) == (0, 1, 2)
    with pytest.raises(UnknownName, match=r"did you mean 'Stop' or 'stop'|did you mean 'stop' or 'Stop'|did you mean"):
        card.index("sotp")
    with pytest.raises(UnknownName):
        card.index("STOP")
