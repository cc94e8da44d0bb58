from __future__ import annotations

import pytest

from misread.report import words
from misread.stats import wilson


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1, "100.0 %"), (0, "0.0 %"), (0.9996, "> 99.9 %"), (0.0004, "< 0.1 %"), (0.9994, "99.9 %"), (0.5, "50.0 %")],
)
def test_all_and_none_are_said_only_of_all_and_none(value: float, shown: str) -> None:
    assert words.share(value).replace(words.NBSP, " ") == shown


def test_no_confidence_reaches_certainty() -> None:
    assert words.confidence(1.0).replace(words.NBSP, " ") == "> 99.9 %"


def test_counts_intervals_and_plurals() -> None:
    assert words.hits(wilson(1200, 2000)) == "1,200/2,000"
    assert words.interval(wilson(9, 10)).replace(words.NBSP, " ") == "59.6\u201398.2 %"
    assert words.interval(wilson(0, 0)) == "no interval"
    assert (words.plural(1, "frame"), words.plural(2, "frame")) == ("1 frame", "2 frames")
    assert words.plural(2, "loss", "losses") == "2 losses"
