"""What the attacker wants, in labels: what it refuses, how it reads, and which outputs it wants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misread.card import ModelCard
from misread.errors import InputError, OptionError, UnknownName
from misread.wish import UNTARGETED, Wish, goal_margin

CARD = ModelCard(labels=("Stop", "Yield", "Speed 40", "Speed 60"), size_hw=(8, 8))
WISHES = (UNTARGETED, Wish.of(["Yield"]), Wish.of(["Yield", "Stop"]), Wish.of(away_from=["Yield", "Speed 40"]))


@pytest.mark.parametrize(
    ("wish", "text", "words"),
    [
        (WISHES[0], "untargeted", "misread"),
        (WISHES[1], "Yield", "read as Yield"),
        (WISHES[2], "any of Yield, Stop", "read as Yield or Stop"),
        (WISHES[3], "away from Yield, Speed 40", "read as none of Yield, Speed 40"),
    ],
)
def test_how_it_is_said(wish: Wish, text: str, words: str) -> None:
    assert (wish.text, wish.words) == (text, f"to be {words}")


@pytest.mark.parametrize(
    ("form", "wish"),
    [
        ("untargeted", UNTARGETED),
        ("Yield", WISHES[1]),
        ({"kind": "untargeted", "labels": []}, UNTARGETED),
        ({"kind": "any-of", "labels": ["untargeted"]}, Wish("any-of", ("untargeted",))),
        ({"kind": "any-of", "labels": ["Yield", "Stop"]}, WISHES[2]),
        ({"kind": "away-from", "labels": ["Yield", "Speed 40"]}, WISHES[3]),
    ],
)
def test_both_forms_of_a_manifest_are_read(form: object, wish: Wish) -> None:
    assert Wish.read(form) == wish


@pytest.mark.parametrize(
    ("form", "error", "said"),
    [
        (3, ValueError, "expected a goal with kind and labels, got 3"),
        ({"kind": "any-of"}, ValueError, "expected a goal with kind and labels"),
        ({"kind": "any-of", "labels": "Stop"}, ValueError, "expected a goal with kind and labels"),
        ({"kind": "any-of", "labels": [3]}, ValueError, "as texts"),
        ({"kind": "anyof", "labels": ["Stop"]}, OptionError, "did you mean 'any-of'"),
        ({"kind": "any-of", "labels": []}, OptionError, "any-of takes one label or more, got none"),
        ({"kind": "untargeted", "labels": ["Stop"]}, OptionError, "untargeted takes no label, got Stop"),
        ({"kind": "away-from", "labels": ["a", "b", "a"]}, OptionError, "a is given twice"),
    ],
)
def test_a_strangers_form_is_refused(form: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Wish.read(form)


def test_labels_to_reach_and_labels_to_leave_are_not_given_together() -> None:
    with pytest.raises(OptionError, match=r"got both \(Stop and Yield\); give one of the two"):
        Wish.of(["Stop"], ["Yield"])
    assert Wish.of() == UNTARGETED


@pytest.mark.parametrize(
    ("wish", "label", "wanted"),
    [
        (WISHES[0], "Yield", [True, False, True, True]),
        (WISHES[1], "Stop", [False, True, False, False]),
        (WISHES[2], "Speed 40", [True, True, False, False]),
        (WISHES[2], "stop", [False, True, False, False]),
        (WISHES[3], "Stop", [False, False, False, True]),
        (WISHES[3], "Yield", [True, False, False, True]),
    ],
)
def test_the_outputs_that_are_wanted(wish: Wish, label: str, wanted: list[bool]) -> None:
    assert wish.wanted(CARD, label).tolist() == wanted
    index = CARD.index(label)
    assert [wish.reached(read, CARD.labels[index]) for read in CARD.labels] == wanted


def test_nothing_left_to_want_is_refused() -> None:
    with pytest.raises(InputError, match="the goal 'Stop' leaves a picture of 'Stop' nothing to be misread as"):
        Wish.of(["Stop"]).wanted(CARD, "Stop")
    with pytest.raises(InputError, match="leaves a picture of 'Stop' nothing"):
        Wish.of(away_from=CARD.labels[1:]).wanted(CARD, "Stop")
    with pytest.raises(UnknownName, match="did you mean 'Speed"):
        Wish.of(["Speed 50"]).wanted(CARD, "Stop")


def test_labels_are_spelt_as_a_card_spells_them() -> None:
    assert Wish.of(["yield", "SPEED 40"]).spelt(CARD) == Wish.of(["Yield", "Speed 40"])
    assert Wish.of(["yield", "Yield"]).spelt(CARD) == WISHES[1]
    assert UNTARGETED.spelt(CARD) == UNTARGETED
    with pytest.raises(UnknownName, match="did you mean 'Yield'"):
        Wish.of(["Yeld"]).spelt(CARD)


@given(
    logits=st.lists(st.floats(-9, 9, width=32), min_size=4, max_size=4),
    wish=st.sampled_from(WISHES),
    label=st.sampled_from(CARD.labels),
)
def test_the_margin_is_positive_where_the_label_that_is_read_is_wanted(
    logits: list[float], wish: Wish, label: str
) -> None:
    """Read off the labels alone, without the margin: the two must not disagree, whatever the goal."""
    if wish.labels == (label,):
        return
    row = np.array([logits], np.float32)
    (margin,) = goal_margin(row, wish.wanted(CARD, label))
    top = [name for name, value in zip(CARD.labels, row[0], strict=True) if value == row[0].max()]
    reached = {wish.reached(read, label) for read in top}
    assert reached == ({True, False} if margin == 0 else {bool(margin > 0)})


def test_a_logit_that_is_no_number_gives_no_margin() -> None:
    wanted = np.array([True, False, False])
    rows = np.array([[1.0, 0.5, np.nan], [np.nan, 0.5, 0.0], [1.0, 0.5, 0.0]], np.float32)
    assert np.isnan(goal_margin(rows, wanted)).tolist() == [True, True, False]
