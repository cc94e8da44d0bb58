"""The plan of a run: paired takes, interleaved arms, blanks between clips."""

from __future__ import annotations

import pytest

from misread.errors import OptionError
from misread.runtime.rig import Script, Shot, plan
from misread.runtime.rig.script import frame_generator, take_generator

SCRIPT = Script(clips=4, frames_per_clip=5, blank_frames=2, seed=3)


def clips(shots: tuple[Shot, ...]) -> dict[int, list[Shot]]:
    found: dict[int, list[Shot]] = {}
    for shot in shots:
        if shot.clip is not None:
            found.setdefault(shot.clip, []).append(shot)
    return found


def test_every_exhibit_gets_every_take_and_blanks_part_them() -> None:
    shots = plan(SCRIPT, 3)
    assert [shot.index for shot in shots] == list(range(4 * 3 * 7))
    filmed = clips(shots)
    assert len(filmed) == 12
    assert all(len(clip) == 5 and len({(shot.exhibit, shot.take) for shot in clip}) == 1 for clip in filmed.values())
    assert sorted((clip[0].take, clip[0].exhibit) for clip in filmed.values()) == [
        (take, exhibit) for take in range(4) for exhibit in range(3)
    ]
    assert [shot.exhibit is None for shot in shots[:7]] == [False] * 5 + [True] * 2


def test_takes_are_paired_across_exhibits() -> None:
    by_take: dict[int, set[tuple[object, ...]]] = {}
    for clip in clips(plan(SCRIPT, 3)).values():
        by_take.setdefault(clip[0].take, set()).add(tuple(shot.pose for shot in clip))
    assert all(len(poses) == 1 for poses in by_take.values())
    assert len(set.union(*by_take.values())) == 4


def test_noise_and_light_are_paired_too() -> None:
    first, second = (next(s for s in plan(SCRIPT, 2) if s.exhibit == exhibit and s.take == 1) for exhibit in (0, 1))
    assert frame_generator(SCRIPT, first).bytes(8) == frame_generator(SCRIPT, second).bytes(8)
    other = next(s for s in plan(SCRIPT, 2) if s.exhibit == 0 and s.take == 2)
    assert frame_generator(SCRIPT, first).bytes(8) != frame_generator(SCRIPT, other).bytes(8)
    assert take_generator(SCRIPT, 0).bytes(8) != take_generator(SCRIPT, 1).bytes(8)


def test_the_order_of_the_arms_is_drawn_anew_for_each_take() -> None:
    script = Script(clips=12, frames_per_clip=1, blank_frames=0, seed=0)
    orders = [tuple(shot.exhibit for shot in plan(script, 3)[start : start + 3]) for start in range(0, 36, 3)]
    assert len(set(orders)) > 2


def test_poses_stay_in_their_ranges_and_reach_near_and_far() -> None:
    script = Script(clips=20, frames_per_clip=3, distance_m=(1.5, 3.0), yaw_deg=(-20, 20), seed=9)
    shots = [shot for shot in plan(script, 1) if shot.exhibit is not None]
    distances = [shot.pose.distance_m for shot in shots]
    assert 1.5 <= min(distances) < 1.7
    assert 2.8 < max(distances) <= 3.0
    assert all(abs(shot.pose.yaw_deg) <= 20 for shot in shots)


def test_another_seed_is_another_run_and_the_same_seed_the_same() -> None:
    assert plan(SCRIPT, 2) == plan(SCRIPT, 2)
    assert plan(SCRIPT, 2) != plan(Script(clips=4, frames_per_clip=5, blank_frames=2, seed=4), 2)


@pytest.mark.parametrize(
    "options",
    [
        {"clips": 0},
        {"frames_per_clip": 0},
        {"blank_frames": -1},
        {"seed": -1},
        {"drift": float("nan")},
        {"distance_m": (3.0, 2.0)},
        {"distance_m": (0.5, 2.0)},
        {"yaw_deg": (-90.0, 0.0)},
        {"side_m": float("nan")},
    ],
)
def test_scripts_without_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Script(**options)  # type: ignore[arg-type]


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(OptionError, match="at least one exhibit"):
        plan(SCRIPT, 0)
