"""Planted readings, known counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from misread.errors import OptionError
from misread.runtime.camera.clips import Clips, Place
from misread.runtime.camera.count import MAX_TRACE, Counting
from misread.runtime.camera.locate import Target
from misread.runtime.camera.locate.sight import Sight
from misread.runtime.camera.subject import Subject
from misread.runtime.camera.tally import Tally
from misread.runtime.camera.votes import Vote
from misread.wish import Wish
from tests.runtime.camera.planted import SQUARE, observe, subject, summary, tally

if TYPE_CHECKING:
    from misread.stats import Rate


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


def rate(found: Rate | None) -> tuple[int, int]:
    assert found is not None
    return found.hits, found.total


def test_runs_are_counted_by_clip_and_by_frame() -> None:
    found = summary(subject(), "s444s", "44y4", "44s44", "44.444", "444444")
    assert found.run == 3
    assert rate(found.runs) == (4, 5)
    assert rate(found.runs_alike) == (3, 5)  # in the second the label changes
    assert rate(found.in_runs) == (3 + 4 + 0 + 3 + 6, 5 + 4 + 5 + 5 + 6)
    assert rate(found.mostly) == (5, 5)
    assert found.by_clip == ((3, 5), (4, 4), (4, 5), (5, 5), (6, 6))
    assert found.runs is not None
    assert found.runs.low == pytest.approx(0.2836, abs=1e-4)  # Clopper and Pearson for 4 of 5


def test_a_run_is_as_long_as_asked_for() -> None:
    found = tally(subject(), "444s", "44444", counting=Counting(run=4)).summaries()[0]
    assert (rate(found.runs), rate(found.in_runs)) == ((1, 2), (5, 9))


def test_a_product_that_keeps_a_sign_fails_where_it_was_never_read_right() -> None:
    assert rate(summary(subject(), "444s", "4y4", "ssss", "4").never_right) == (2, 4)


def test_votes_slide_within_a_clip() -> None:
    found = summary(subject(), "44sss44", "4444", "4ysy4s44", "44s44")
    five, nine = found.votes
    # 44sss right, 4sss4 right, sss44 right; no window; 4ysy4 none, ysy4s none, sy4s4 none, y4s44 wrong; 44s44 wrong
    assert (five.rule, rate(five.misread), five.undecided, five.label) == ("3 of 5", (2, 8), 3, "Speed 40")
    assert (nine.rule, rate(nine.misread), nine.label) == ("5 of 9", (0, 0), None)


@pytest.mark.parametrize(("needed", "of"), [(2, 4), (6, 5), (0, 0), (900, 1001)])
def test_a_vote_that_two_could_win_is_refused(needed: int, of: int) -> None:
    with pytest.raises(OptionError, match="more than half"):
        Vote(needed=needed, of=of)


def test_a_vote_is_written_as_a_fraction() -> None:
    assert Vote.parse("2/3") == Vote(needed=2, of=3)
    for text in ("3", "a/5", "3/", "-3/5", "³/5"):
        with pytest.raises(OptionError, match="written 3/5"):
            Vote.parse(text)


@pytest.mark.parametrize("options", [{"run": 0}, {"bin_frames": 0}])
def test_runs_and_bins_of_nothing_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="at least 1 frame"):
        Counting(**options)  # type: ignore[arg-type]


def test_a_clip_that_ended_before_it_was_misread_counts_as_not_yet() -> None:
    found = summary(subject(), "s4", "ss", "ssss4", "s", "ssssss")
    # Waiting: 1 of 5 gives up at 0 s, 1 of 4 happens at 0.1 s, then one leaves, 1 of 2 happens at 0.4 s: 3/8 wait on.
    assert found.first_misread_s == pytest.approx(0.4)
    assert summary(subject(), "s4", "ss", "ss").first_misread_s is None


def test_frames_fall_into_bins_by_sight_and_by_size_without() -> None:
    counted, clips = Tally(Counting(bin_frames=3)), Clips()
    near = Sight(distance_m=1.5, angle_deg=20.0, yaw_deg=20.0, markers_px=40.0)
    for start, reads, sight in ((0, "44s", near), (3, "4s", replace(near, distance_m=None)), (5, "4", near)):
        for seen in observe(subject(), reads, clips, start):
            counted.add(replace(seen, target=Target(corners=SQUARE, sight=sight)))
    size, seat = sorted(counted.summaries()[0].bins, key=lambda one: one.by, reverse=True)
    assert (seat.text, rate(seat.misread), seat.enough) == ("1-2 m, 15-30 deg", (3, 4), True)
    assert (size.text, rate(size.misread), size.enough) == ("16-24 px", (1, 2), False)
    assert (seat.row, seat.column, size.row) == (1, 1, 1)


def test_memory_is_bounded_by_clips_and_not_by_frames() -> None:
    counted, clips = Tally(), Clips()
    (seen,) = observe(subject(), "4", clips)
    for number in range(MAX_TRACE + 50):
        counted.add(replace(seen, place=Place(clip=0, first=number == 0)))
    (found, _) = counted.summaries()
    assert (found.measured, len(found.trace[0])) == (MAX_TRACE + 50, MAX_TRACE)


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
    for observation in observe(subject(), "....", Clips()):
        counted.add(observation)
    assert (counted.frames, counted.located, counted.summaries()) == (4, 0, ())
