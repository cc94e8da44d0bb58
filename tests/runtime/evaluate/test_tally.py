"""Counting readings, against figures worked out by hand and by another road."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.card import ModelCard
from misread.runtime.evaluate.tally import BINS, Tally, ranks_of
from misread.runtime.session import Reading

LABELS = tuple("abcdefg")
CARD = ModelCard(labels=LABELS, size_hw=(4, 4))


def reading(probabilities: list[list[float]]) -> Reading:
    return Reading(logits=np.log(np.array(probabilities, np.float32)), card=CARD)


def test_a_rank_is_the_place_in_a_stable_sort() -> None:
    logits = np.array([[3, 2, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5, 6]], np.float32)
    for truth in range(7):
        wanted = [list(np.argsort(-row, kind="stable")).index(truth) + 1 for row in logits]
        assert ranks_of(logits, np.full(3, truth)).tolist() == wanted


def test_counts_are_those_of_the_hand() -> None:
    tally = Tally(LABELS)
    rows = [[0.7, 0.1, 0.06, 0.05, 0.04, 0.03, 0.02], [0.1, 0.7, 0.06, 0.05, 0.04, 0.03, 0.02]]
    assert tally.add(reading(rows), np.array([0, 0])).tolist() == [1, 2]
    assert tally.add(reading(rows), np.array([6, 6])).tolist() == [7, 7]
    assert tally.add(reading(rows[:1]), np.array([5])).tolist() == [6]
    top5 = tally.top5()
    assert top5 is not None
    assert (tally.pictures, tally.top1().hits, tally.top1().total, top5.hits) == (5, 1, 5, 2)
    scores = {score.label: (score.right.hits, score.right.total, score.read_as) for score in tally.classes()}
    assert scores == {"a": (1, 2, 3), "b": (0, 0, 2), "f": (0, 1, 0), "g": (0, 2, 0)} | dict.fromkeys("cde", (0, 0, 0))
    pairs = [(pair.truth, pair.read, pair.times) for pair in tally.confusions()]
    assert pairs == [("a", "b", 1), ("f", "a", 1), ("g", "a", 1), ("g", "b", 1)]


def test_five_labels_have_no_top_five() -> None:
    assert Tally(LABELS[:5]).top5() is None


def test_calibration_of_a_model_that_knows_its_doubts() -> None:
    """Of ten readings at confidence 0.7, seven are right: no error. All ten wrong: an error of 0.7."""
    row = [0.7, *[0.05] * 6]
    honest, vain = Tally(LABELS), Tally(LABELS)
    honest.add(reading([row] * 10), np.array([0] * 7 + [1] * 3))
    vain.add(reading([row] * 10), np.full(10, 1))
    assert honest.calibration().error == pytest.approx(0, abs=1e-6)
    assert vain.calibration().error == vain.calibration().confidence == pytest.approx(0.7, abs=1e-6)
    filled = [entry for entry in honest.calibration().bins if entry.right.total]
    assert [(entry.right.hits, entry.right.total) for entry in filled] == [(7, 10)]
    assert filled[0].low < 0.7 <= filled[0].high
    assert Tally(LABELS).calibration().error == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_batches_do_not_matter_and_the_figures_are_those_of_a_plain_count(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (count, 7)).astype(np.float32)
    truth = generator.integers(0, 7, count)
    whole, parts = Tally(LABELS), Tally(LABELS)
    whole.add(Reading(logits=logits, card=CARD), truth)
    for at in range(0, count, 7):
        parts.add(Reading(logits=logits[at : at + 7], card=CARD), truth[at : at + 7])
    assert (whole.classes(), whole.confusions(), whole.top5()) == (parts.classes(), parts.confusions(), parts.top5())
    read = logits.argmax(axis=1)
    assert whole.top1().hits == int((read == truth).sum())
    assert sum(pair.times for pair in whole.confusions()) == int((read != truth).sum())
    assert sum(score.read_as for score in whole.classes()) == count
    confidence = np.exp(logits - logits.max(1, keepdims=True))
    confidence = (1 / confidence.sum(1)).astype(np.float64)
    expected = 0.0
    for at in range(BINS):  # Guo et al. 2017, equation 3
        inside = (confidence > at / BINS) & (confidence <= (at + 1) / BINS)
        if inside.any():
            expected += inside.mean() * abs((read == truth)[inside].mean() - confidence[inside].mean())
    assert whole.calibration().error == pytest.approx(expected, abs=1e-6)
