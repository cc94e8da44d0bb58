"""Planted readings, known counts."""

from __future__ import annotations

import pytest

from misread.runtime.camera.subject import Subject
from misread.runtime.camera.tally import Tally
from misread.wish import Wish
from tests.runtime.camera.planted import observe, subject, summary, tally


def test_shares_are_of_the_measured_frames() -> None:
    found = summary(subject(), "s4s.4", "4444")
    assert (found.measured, found.captured) == (8, 9)
    assert (found.misread.hits, found.misread.total) == (6, 8)
    assert found.right == pytest.approx(0.25)
    assert found.labels == (("Speed 40", 6), ("Stop", 2))
    assert found.trace == ("x"[:0] + ".x.-x", "xxxx")


def test_below_five_clips_there_is_no_interval_and_from_five_there_is() -> None:
    assert summary(subject(), *["44"] * 4).misread.low is None
    five = summary(subject(), *["44"] * 5).misread
    assert five.low is not None
    assert five.high == 1.0


def test_the_interval_counts_clips_and_not_frames() -> None:
    short, long = summary(subject(), *["4"] * 6), summary(subject(), *["4" * 50] * 6)
    assert short.misread.low == pytest.approx(long.misread.low)


@pytest.mark.parametrize(
    ("clips", "run", "label"),
    [
        (["s44s444s"], 3, "Speed 40"),
        (["44yy4"], 2, "Speed 40"),  # wrong in two ways is two runs
        (["44.44"], 2, "Speed 40"),  # a frame nobody measured breaks it
        (["444", "444"], 3, "Speed 40"),  # so does the end of a clip
        (["ssss"], 0, None),
        (["4yyyy"], 4, "Yield"),
    ],
)
def test_the_longest_run_is_wrong_and_the_same(clips: list[str], run: int, label: str | None) -> None:
    found = summary(subject(), *clips)
    assert (found.longest_run, found.longest_label) == (run, label)


def test_times_are_medians_over_the_clips_in_which_it_happened() -> None:
    found = summary(subject(), "ss4", "s444", "sssssss4", "ssss")
    assert found.first_misread_s == pytest.approx(0.2)  # of 0.2, 0.1 and 0.7 s
    assert found.first_right_s == pytest.approx(0.0)
    assert found.clips_misread == 3
    assert summary(subject(), "444").first_right_s is None


def test_the_target_is_counted_apart() -> None:
    found = summary(subject(target=Wish.of(["Yield"])), "4y4yy")
    assert found.targeted is not None
    assert (found.targeted.hits, found.misread.hits) == (3, 5)
    assert found.target == "Yield"
    assert summary(subject(), "4").targeted is None
    any_of = summary(subject(target=Wish.of(["Yield", "Stop"])), "4y4ys")
    away = summary(subject(target=Wish.of(away_from=["Yield"])), "4y4ys")
    for one, target, hits in ((any_of, "any of Yield, Stop", 2), (away, "away from Yield", 2)):
        assert one.targeted is not None
        assert (one.target, one.targeted.hits, one.misread.hits) == (target, hits, 4)


def test_builds_are_counted_apart_on_the_same_frames() -> None:
    found = tally(subject(), "s4", "44").summaries()
    assert [one.build for one in found] == ["fp32", "int8"]
    assert found[0].misread == found[1].misread


def test_without_a_right_label_nothing_is_misread() -> None:
    found = summary(Subject(name="street", arm="background", label=None), "4y4")
    assert found.misread.hits == 0
    assert found.right is None
    assert found.first_right_s is None
    assert found.labels[0] == ("Speed 40", 2)


def test_frames_without_a_target_count_as_frames_only() -> None:
    counted = Tally()
    from misread.runtime.camera.clips import Clips

    for observation in observe(subject(), "....", Clips()):
        counted.add(observation)
    assert (counted.frames, counted.located, counted.summaries()) == (4, 0, ())
