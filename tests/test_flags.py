"""Texts of the command line become values or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misread.card import ModelCard
from misread.cards import DEFAULTS, GIVEN, find_card
from misread.cards.facts import CardFacts
from misread.errors import FileError, OptionError
from misread.flags import CardFlags, parse_batch, parse_number, parse_settings, parse_size


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), (" 1/4 ", 0.25), ("0.5/255", 0.5 / 255), ("0.03", 0.03), ("1e-3", 0.001)]
)
def test_numbers_are_fractions_or_decimals(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "eight", "8/0", "1/2/3", "nan", "inf", "1e999", "8/x"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"such as 8/255 or 0\.03, got"):
        parse_number(text)


def test_sizes_are_height_by_width() -> None:
    assert parse_size("224") == (224, 224)
    assert parse_size("224X320") == (224, 320)
    for text in ("", "x", "2x3x4", "-3", "22.4"):
        with pytest.raises(OptionError, match="such as 224x320"):
            parse_size(text)


def test_flags_say_what_was_given_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb\n")
    assert CardFlags().facts() is None
    assert CardFlags(size="8x9").facts() == CardFacts(size_hw=(8, 9))
    assert CardFlags(labels=tmp_path / "a.txt", antialias=False).facts() == CardFacts(
        labels=("a", "b"), antialias=False
    )
    assert CardFlags(labels=Path("none")).facts() == CardFacts(numbered=True)
    assert CardFlags(std="0.5,1,1").facts() == CardFacts(scale=1 / 255, std=(0.5, 1.0, 1.0))


@pytest.mark.parametrize(
    ("flags", "error", "said"),
    [
        ({"resize": "crpo"}, OptionError, "unknown resize 'crpo'; did you mean 'crop'"),
        ({"interpolation": "cubic"}, OptionError, "did you mean 'bicubic'"),
        ({"colour": "gray"}, OptionError, "did you mean 'grey'"),
        ({"output": "softmax"}, OptionError, "known: logits, probabilities"),
        ({"mean": "a,b"}, OptionError, "expected a number"),
        ({"labels": Path("nowhere.txt")}, FileError, "no such file"),
    ],
)
def test_flags_that_no_card_has_are_refused(flags: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        CardFlags(**flags).facts()


@pytest.mark.parametrize(
    ("flags", "card"),
    [
        ({}, {}),
        (
            {"colour": "bgr", "scale": "1", "mean": "103.94,116.78,123.68", "output": "probabilities"},
            {"colour": "bgr", "scale": 1.0, "mean": (103.94, 116.78, 123.68), "output": "probabilities"},
        ),
        (
            {"resize": "crop", "resize_px": 9, "antialias": False, "std": "0.5,0.5,0.5"},
            {"resize": "crop", "resize_px": 9, "antialias": False, "std": (0.5, 0.5, 0.5)},
        ),
        ({"resize": "letterbox"}, {"resize": "letterbox", "pad_level": 114}),
        ({"resize": "letterbox", "pad_level": 0}, {"resize": "letterbox", "pad_level": 0}),
        ({"colour": "grey", "mean": "1/2"}, {"colour": "grey", "mean": (0.5,), "std": (1.0,)}),
    ],
)
def test_flags_make_the_card_that_they_say(tmp_path: Path, flags: dict[str, Any], card: dict[str, Any]) -> None:
    (tmp_path / "a.txt").write_text("a\nb\n")
    found = find_card({}, name="m.onnx", given=CardFlags(labels=tmp_path / "a.txt", size="8", **flags).facts())
    assert found is not None
    assert found.card == ModelCard(labels=("a", "b"), size_hw=(8, 8), **card)
    assert found.sources == (GIVEN, DEFAULTS)


def test_a_batch_is_a_number_or_dynamic() -> None:
    assert (parse_batch("4"), parse_batch("dynamic")) == (4, "dynamic")
    for text in ("0", "-1", "many", ""):
        with pytest.raises(OptionError, match="from 1 or 'dynamic'"):
            parse_batch(text)


def test_settings_are_numbers_truths_and_words() -> None:
    texts = ["steps=100", "alpha = 1/4", "rate=0.5", "start=true", "loss=margin"]
    assert parse_settings(texts) == {"steps": 100, "alpha": 0.25, "rate": 0.5, "start": True, "loss": "margin"}
    for wrong in (["steps"], ["=3"], ["steps="], ["steps=1", "steps=2"]):
        with pytest.raises(OptionError, match="once as NAME=VALUE"):
            parse_settings(wrong)
