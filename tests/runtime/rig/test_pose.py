"""Poses against the pinhole equations."""

from __future__ import annotations

import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.rig import Camera, Pose
from misread.runtime.rig.pose import between

CAMERA = Camera(width=960, height=540, focal_px=800)


def test_a_board_straight_ahead_is_a_square_of_the_similar_triangles() -> None:
    corners = Pose(distance_m=4.0, x_m=0.5, y_m=-0.25).project(0.5, CAMERA)
    assert np.ptp(corners[:, 0]) == pytest.approx(800 * 0.5 / 4)
    assert np.ptp(corners[:, 1]) == pytest.approx(800 * 0.5 / 4)
    assert corners.mean(axis=0) == pytest.approx([480 + 800 * 0.5 / 4, 270 - 800 * 0.25 / 4])
    assert (corners[0] < corners[2]).all()  # top left first


def test_yaw_foreshortens_by_the_cosine_far_away() -> None:
    corners = Pose(distance_m=400.0, yaw_deg=60).project(0.5, CAMERA)
    assert np.ptp(corners[:, 0]) / np.ptp(corners[:, 1]) == pytest.approx(0.5, rel=0.01)


def test_roll_turns_in_the_picture_plane() -> None:
    corners = Pose(distance_m=2.0, roll_deg=90).project(0.5, CAMERA)
    straight = Pose(distance_m=2.0).project(0.5, CAMERA)
    assert corners == pytest.approx(np.roll(straight, -1, axis=0))


def test_in_between_is_in_between() -> None:
    middle = between(Pose(distance_m=2.0, yaw_deg=-10), Pose(distance_m=4.0, yaw_deg=30), 0.25)
    assert (middle.distance_m, middle.yaw_deg) == (2.5, 0.0)


@pytest.mark.parametrize("options", [{"distance_m": 0.0}, {"distance_m": 1.0, "yaw_deg": 90.0}])
def test_poses_that_show_nothing_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="before the camera"):
        Pose(**options)


def test_a_board_that_reaches_behind_the_camera_is_refused() -> None:
    with pytest.raises(OptionError, match="behind the camera"):
        Pose(distance_m=0.5, yaw_deg=80).project(2.0, CAMERA)


@pytest.mark.parametrize("options", [{"width": 10}, {"focal_px": float("nan")}, {"height": 10_000}])
def test_cameras_without_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="64 to 4096"):
        Camera(**options)  # type: ignore[arg-type]
