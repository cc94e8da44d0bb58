"""Strangers' strings on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.text import columns, printable, shorten


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("stop sign", "stop sign"),
        ("Überholverbot 停", "Überholverbot 停"),
        ("\x1b[2Jstop", r"\x1b[2Jstop"),
        ("a\nb\tc\r", r"a\x0ab\x09c\x0d"),
        ("\x9b31mred", r"\x9b31mred"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("half\udc80", r"half\udc80"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("line\u2028break", r"line\u2028break"),
        ("", ""),
    ],
)
def test_control_characters_are_spelt_out(foreign: str, shown: str) -> None:
    assert printable(foreign) == shown


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_nothing_that_steers_a_terminal_is_left(foreign: str) -> None:
    shown = printable(foreign)
    assert not any(unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for mark in shown)
    assert printable(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(("text", "width"), [("stop", 4), ("停止", 4), ("e\u0301", 1), ("", 0)])
def test_columns_are_what_a_terminal_gives_them(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("mobilenet_int8.onnx", 11, "mobil….onnx"),
        ("stop", 4, "stop"),
        ("stop", 3, "s…p"),
        ("stop", 1, "…"),
        ("stop", 0, ""),
        ("停止停止", 5, "停…止"),
    ],
)
def test_long_text_keeps_both_its_ends(text: str, width: int, short: str) -> None:
    assert shorten(text, width) == short


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.integers(0, 30))
def test_short_is_short(text: str, width: int) -> None:
    assert columns(shorten(text, width)) <= width
