"""Work in threads, results in order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from misread.data import in_order, spread
from misread.errors import FileError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_results_come_in_the_order_of_the_items_whoever_is_first() -> None:
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            second.wait(10)
        second.set()
        return item

    assert list(in_order(range(20), work, workers=2)) == list(range(20))


def test_only_a_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(items(), lambda item: item, workers=2, ahead=3)
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    assert len(taken) == 9


def test_an_error_comes_at_its_place_and_ends_it() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise FileError("picture 2")
        return item

    results = in_order(range(9), work, workers=3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(FileError, match="picture 2"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("taken", [1, 20])
def test_no_thread_is_left_behind(taken: int) -> None:
    before = threading.active_count()
    results = in_order(range(20), str, workers=3)
    assert [next(results) for _ in range(taken)] == [str(item) for item in range(taken)]
    results.close()
    assert threading.active_count() == before


def test_an_error_of_the_items_comes_through_and_leaves_no_thread() -> None:
    def items() -> Iterator[int]:
        yield from range(4)
        raise FileError("item 4")

    before = threading.active_count()
    with pytest.raises(FileError, match="item 4"):
        list(in_order(items(), str, workers=2, ahead=4))
    assert threading.active_count() == before


def test_no_workers_is_one_sentence() -> None:
    with pytest.raises(OptionError, match="1 worker or more"):
        next(in_order(range(2), str, workers=0))


def test_a_limit_is_spread_from_first_to_last() -> None:
    assert spread("abcdef", 3) == ("a", "c", "e")
    assert spread("abc", None) == spread("abc", 9) == ("a", "b", "c")
    assert spread("", 3) == ()
    with pytest.raises(OptionError, match="from 1, got 0"):
        spread("abc", 0)
