"""Names are looked up with help."""

from __future__ import annotations

import pytest

from misread.errors import UnknownName
from misread.registry import by_name

NAMES = ("pgd", "deepfool", "Stop", "stop")


def find(name: str) -> str:
    return by_name("attack", NAMES, name, key=str)


def test_names_are_found_exactly_first_and_then_without_case() -> None:
    assert find("stop") == "stop"
    assert find("Stop") == "Stop"
    assert find("PGD") == "pgd"


def test_a_misspelt_name_is_answered_with_the_near_one() -> None:
    with pytest.raises(
        UnknownName, match=r"unknown attack 'pdg'; did you mean 'pgd'\? known: pgd, deepfool, Stop, stop"
    ):
        find("pdg")


def test_a_name_near_to_nothing_lists_the_known_up_to_twenty() -> None:
    with pytest.raises(UnknownName, match=r"unknown label 'zzz'; known: 0, 1, .*19, … \(30 in all\)"):
        by_name("label", [str(number) for number in range(30)], "zzz", key=str)
