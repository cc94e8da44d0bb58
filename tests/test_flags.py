"""Texts of the command line become values or one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from misread.card import ModelCard
from misread.errors import OptionError
from misread.flags import CardFlags, parse_batch, parse_number, parse_settings, parse_size

if TYPE_CHECKING:
    from pathlib import Path


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


def test_no_flags_are_no_card_and_some_are_not_enough(tmp_path: Path) -> None:
    assert CardFlags().card() is None
    with pytest.raises(OptionError, match="add --labels FILE and --size PX"):
        CardFlags(colour="bgr").card()
    with pytest.raises(OptionError, match="add --size PX"):
        CardFlags(labels=tmp_path / "a.txt").card()


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
    made = CardFlags(labels=tmp_path / "a.txt", size="8", **flags).card()
    assert made == ModelCard(labels=("a", "b"), size_hw=(8, 8), **card)


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
