"""Arms and builds held against each other, clip by clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from misread.runtime.camera.pairs import ClipPair, pairs_of
from misread.runtime.camera.subject import Subject
from misread.stats import mcnemar
from tests.runtime.camera.planted import subject, summary

BAD = summary(subject("bad", "adversarial"), *["444s"] * 8)
GOOD = summary(subject("good", "clean"), *["ssss"] * 8)
NOISE = summary(subject("noise", "placebo"), *["sss4"] * 6)


def compare(*summaries: object, takes: int | None = None) -> tuple[ClipPair, ...]:
    return pairs_of(summaries, np.random.default_rng(3), takes=takes)  # type: ignore[arg-type]


def test_a_changed_exhibit_is_held_against_control_and_placebo() -> None:
    control, placebo = compare(BAD, GOOD, NOISE, takes=8)
    assert (control.kind, control.first, control.second, control.shared) == ("arms", "bad", "good", "fp32")
    assert (control.paired, control.test, control.clips) == (True, "mcnemar", (8, 8))
    assert control.difference == pytest.approx(0.75)
    assert control.p_value == mcnemar(8, 0)
    assert control.low is not None
    assert 0.1 < control.low < 0.75
    # Two clips of the placebo were lost, so nobody knows which belong together.
    assert (placebo.paired, placebo.test, placebo.clips) == (False, "permutation", (8, 6))
    assert placebo.p_value < 0.01
    assert placebo.difference == pytest.approx(0.5)


def test_arms_pair_only_where_the_source_tells() -> None:
    (pair,) = compare(BAD, GOOD)
    assert (pair.paired, pair.test) == (False, "permutation")


def test_builds_read_the_same_frames() -> None:
    other = replace(BAD, build="int8", by_clip=((0, 4),) * 8, misread=GOOD.misread)
    (pair,) = compare(BAD, other, GOOD)[1:]
    assert (pair.kind, pair.first, pair.second, pair.shared) == ("builds", "fp32", "int8", "bad")
    assert (pair.paired, pair.p_value) == (True, mcnemar(8, 0))


def test_few_clips_have_a_test_and_no_interval() -> None:
    few, control = summary(subject("a"), *["4"] * 4), summary(subject("c", "clean"), *["s"] * 4)
    (pair,) = compare(few, control, takes=4)
    assert (pair.low, pair.high, pair.p_value) == (None, None, 0.125)


def test_what_nobody_named_or_what_is_of_another_group_or_crop_is_left_out() -> None:
    street = summary(Subject(name="street", arm="clean", label=None), "ss")
    assert compare(BAD, street, replace(GOOD, group="other"), replace(GOOD, crop="rectified")) == ()


def test_the_same_seed_gives_the_same_interval() -> None:
    assert compare(BAD, GOOD, NOISE, takes=8) == compare(BAD, GOOD, NOISE, takes=8)
