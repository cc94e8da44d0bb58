from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misread.cards.literal import MAX_DEPTH, parse_literal

SIMPLE = st.one_of(
    st.text(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 99), inner), max_leaves=8
)


def depth(value: Any) -> int:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, parts), default=0) if isinstance(value, list | dict) else 0


@given(value=VALUES.filter(lambda value: depth(value) <= MAX_DEPTH))
def test_what_python_prints_is_read_back(value: Any) -> None:
    assert parse_literal(repr(value)) == value


@given(text=st.text(alphabet="[]{}(),:'\"\\ 0123.eTrueN-"))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    try:
        parse_literal(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017  either end is right, a crash is not


def test_tuples_spaces_and_trailing_commas() -> None:
    assert parse_literal(" ( 1 , 'a', ) ") == [1, "a"]
    assert parse_literal("{0:'a', 1 : 'b',}") == {0: "a", 1: "b"}
    assert (parse_literal("()"), parse_literal("[]"), parse_literal("{}")) == ([], [], {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('x')", "expected a number"),
        ("{0: print}", "expected a number"),
        ("[1 2]", "',' or ']'"),
        ("[1", "',' or ']'"),
        ("{0 'a'}", "':'"),
        ("{0: 'a', 0: 'b'}", "0 stands twice"),
        ("{[1]: 2}", "expected a number"),
        ("'a' 'b'", "the end"),
        ("'a", "expected a number"),
        ("1" * 40, "expected a number"),
        ("1_000", "expected a number"),
        ("[" * 2000, "nested deeper"),
        ("", "expected a number"),
    ],
)
def test_all_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[").replace("]", r"\]")):
        parse_literal(text)


def test_escapes() -> None:
    assert parse_literal(r"'\x41\u00e9\U0001f600\n\q\''") == "A\u00e9\U0001f600\n\\q'"
    assert parse_literal(r"'\UFFFFFFFF'") == r"\UFFFFFFFF"
