"""Tables, bars and rates in text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.report.text.table import bar, facts, interval, percent, said, table, wrapped
from misread.stats import wilson
from misread.text import columns
from tests.report.text.hostile import EVIL


def test_columns_stand_below_each_other() -> None:
    lines = table(("name", "n"), [("停", "7"), ("a long name", "1234")], right={1})
    assert lines == ["  name            n", "  停              7", "  a long name  1234"]


def test_the_column_that_gives_is_shortened_and_no_other() -> None:
    lines = table(("a", "b"), [("x" * 20, "y" * 30)], width=40, gives=1)
    assert lines[1] == "  " + "x" * 20 + "  " + "y" * 8 + "…" + "y" * 7
    assert columns(table(("a", "b"), [("x" * 90, "y" * 30)], width=80)[1]) == 80


def test_columns_that_are_all_too_wide_all_give_way() -> None:
    (line,) = table(("",) * 3, [("x" * 60, "y" * 60, "z" * 60)], width=50)
    assert columns(line) == 50


def test_an_empty_head_leaves_its_line_out() -> None:
    assert table(("", ""), [("a", "b")]) == ["  a  b"]
    assert table(("a", "b"), []) == ["  a  b"]


def test_facts_without_a_value_are_left_out() -> None:
    assert facts([("one", "1"), ("none", ""), ("three", "3 " * 50)], width=20)[:3] == [
        "one    1",
        "three  3 3 3 3 3 3 3",
        "       3 3 3 3 3 3 3",
    ]
    assert facts([("a very long " + EVIL, "x")], width=30) == ["a ver…evil  x"]
    assert facts([]) == []


def test_text_without_words_is_one_line() -> None:
    assert wrapped("", first="note: ") == ["note:"]


def test_what_has_no_value_is_not_said() -> None:
    assert (
        said({"norm": "linf", "eps": 8 / 255, "mask": None, "on": [], "zero": 0, "inner": {"a": (1, 2.5)}})
        == "norm linf, eps 0.03137, zero 0, inner (a 1 2.5)"
    )


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "-"), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.9999, ">99.9 %"), (0.0001, "<0.1 %"), (0.625, "62.5 %")],
)
def test_all_and_none_are_said_of_all_and_none_only(share: float | None, shown: str) -> None:
    assert percent(share) == shown


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(6, 40))
def test_a_bar_is_full_of_all_only_and_empty_of_none_only(share: float, width: int) -> None:
    drawn = bar(share, width)
    assert len(drawn) == width
    assert ("█" not in drawn) == (share == 0)
    assert ("░" not in drawn) == (share == 1)
    assert bar(None, width).strip() == ""


def test_no_interval_is_a_dash() -> None:
    assert interval(wilson(0, 0)) == "-"
    assert interval(wilson(9, 10)) == "59.6-98.2"
