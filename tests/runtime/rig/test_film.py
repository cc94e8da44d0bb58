"""Rendered frames: the same bit for bit, the board where the pose says, arms under identical capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.runtime.board import Exhibit, Layout
from misread.runtime.camera.locate import Fiducials
from misread.runtime.rig import Camera, Film, Script, plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCRIPT = Script(clips=3, frames_per_clip=3, blank_frames=1, seed=1)


def exhibit(index: int, level: int = 200) -> Exhibit:
    image = np.full((32, 32, 3), (level, 40, 40), np.uint8)
    return Exhibit(index=index, name=f"sign {index}", arm="clean", image=image, label="Stop")


def test_frames_are_the_same_in_any_order() -> None:
    shots = plan(SCRIPT, 2)
    forward = [Film(SCRIPT, [exhibit(0), exhibit(1)]).render(shot) for shot in shots[:6]]
    film = Film(SCRIPT, [exhibit(0), exhibit(1)])
    backward = [film.render(shot) for shot in reversed(shots[:6])]
    assert all((a == b).all() for a, b in zip(forward, reversed(backward), strict=True))
    assert forward[0].shape == (540, 960, 3)
    assert forward[0].dtype == np.uint8


def test_arms_differ_in_the_picture_and_nowhere_else() -> None:
    shots = [shot for shot in plan(SCRIPT, 2) if shot.take == 0 and shot.frame == 0 and shot.exhibit is not None]
    first, second = exhibit(0, 200), exhibit(0, 80)
    film = Film(SCRIPT, [first, second])
    frames = {shot.exhibit: film.render(shot) for shot in shots}
    changed = (frames[0] != frames[1]).any(axis=2)
    corners = shots[0].pose.project(SCRIPT.side_m, Camera())
    low, high = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    assert changed[low[1] : high[1], low[0] : high[0]].any()
    changed[low[1] : high[1], low[0] : high[0]] = False
    assert not changed.any()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_detector_finds_the_picture_where_the_pose_puts_it(seed: int) -> None:
    script = Script(clips=4, frames_per_clip=1, seed=seed)
    film = Film(script, [exhibit(7)])
    worst = 0.0
    for shot in plan(script, 1):
        if shot.exhibit is None:
            continue
        target = Fiducials({7: 1.0}).locate(film.render(shot))
        assert target is not None
        assert target.exhibit == 7
        board = shot.pose.project(script.side_m, Camera())
        worst = max(worst, float(np.abs(target.corners - inner(board)).max()))
    assert worst < 0.7


def inner(board: NDArray[np.float64]) -> NDArray[np.float32]:
    """Where the picture's corners lie when the board's corners lie here, by the plane's homography."""
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    plane = cv2.getPerspectiveTransform(unit, board.astype(np.float32))
    return np.asarray(cv2.perspectiveTransform(Layout().picture_corners()[None], plane)[0], np.float32)


def test_blank_frames_hold_no_board() -> None:
    film = Film(SCRIPT, [exhibit(0)])
    blank = next(shot for shot in plan(SCRIPT, 1) if shot.exhibit is None)
    assert Fiducials({0: 1.0}).locate(film.render(blank)) is None
