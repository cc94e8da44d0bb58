"""Cutting frames into clips, on sequences whose clips are known."""

from __future__ import annotations

import pytest

from misread.errors import OptionError
from misread.runtime.camera.clips import ClipRules, Clips

FRAME_NS = 33_000_000


def cut(shown: str, rules: ClipRules | None = None) -> list[int | None]:
    """Clip numbers of a sequence of letters; a dot is a frame in which the target is lost."""
    clips = Clips(rules)
    return [
        clips.place(None if letter == "." else letter, number * FRAME_NS).clip for number, letter in enumerate(shown)
    ]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("aaa", [0, 0, 0]),
        ("aabb", [0, 0, 1, 1]),
        ("aa.a", [0, 0, None, 0]),  # one lost frame is bridged
        ("aa..aa", [0, 0, None, None, 0, 0]),
        ("aa...aa", [0, 0, None, None, None, 1, 1]),  # three end the clip
        ("a.b.a", [0, None, 1, None, 2]),
        ("...a", [None, None, None, 0]),
        ("....", [None] * 4),
    ],
)
def test_known_sequences(shown: str, expected: list[int | None]) -> None:
    assert cut(shown) == expected


def test_the_number_of_lost_frames_is_a_rule() -> None:
    assert cut("a.a", ClipRules(lost_frames=1)) == [0, None, 1]
    assert cut("a....a", ClipRules(lost_frames=5)) == [0, None, None, None, None, 0]


def test_a_gap_in_time_ends_a_clip() -> None:
    clips = Clips(ClipRules(gap_s=0.5))
    stamps = [0, 100, 600, 1101, 1200]  # milliseconds; 501 between the third and the fourth
    assert [clips.place("a", ms * 1_000_000).clip for ms in stamps] == [0, 0, 0, 1, 1]


def test_frames_between_are_told_and_only_within_a_clip() -> None:
    clips = Clips()
    shown = ["a", None, None, "a", None, "b"]
    places = [clips.place(letter, number * FRAME_NS) for number, letter in enumerate(shown)]
    assert [place.bridged for place in places] == [0, 0, 0, 2, 0, 0]
    assert [place.first for place in places] == [True, False, False, False, False, True]


def test_a_clip_can_be_cut_by_hand() -> None:
    clips = Clips()
    assert clips.place("a", 0).clip == 0
    clips.cut()
    assert clips.place("a", FRAME_NS).clip == 1


@pytest.mark.parametrize("rules", [{"lost_frames": 0}, {"gap_s": 0.0}, {"gap_s": float("nan")}])
def test_rules_without_sense_are_refused(rules: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="a clip ends"):
        ClipRules(**rules)  # type: ignore[arg-type]
