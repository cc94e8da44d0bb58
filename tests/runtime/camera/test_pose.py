"""Distance and angle of boards whose pose is known, and where the markers do not tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.board import Layout
from misread.runtime.camera import FilmOptions, film
from misread.runtime.camera.intrinsics import Intrinsics
from misread.runtime.camera.locate import Fiducials, Gauge
from misread.runtime.rig import Camera, Pose, Script, VirtualCamera
from tests.runtime.camera.scenes import colour_reader, feed, trio
from tests.runtime.camera.test_locate import scene

if TYPE_CHECKING:
    from misread.runtime.camera.observe import Observation

LENS = Intrinsics(width=960, height=540, focal_px=(820.0, 820.0), centre_px=(480.0, 270.0))
GAUGE = Gauge(lens=LENS, board_m=0.75)
CORNERS = np.concatenate([Layout().marker_corners(corner) for corner in range(4)])


def truth(pose: Pose) -> tuple[float, float]:
    """Distance and angle from the corners of the board in space, without any rotation matrix."""
    yaw, pitch, roll = np.deg2rad([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])
    normal = np.array([np.sin(yaw), -np.sin(pitch) * np.cos(yaw), np.cos(pitch) * np.cos(yaw)])
    x, y = normal[:2]
    normal[:2] = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    centre = np.array([pose.x_m, pose.y_m, pose.distance_m])
    away = float(np.linalg.norm(centre))
    return away, float(np.degrees(np.arccos(normal @ centre / away)))


def pixels(pose: Pose, noise: float = 0.0, side_m: float = 0.75, camera: Camera | None = None) -> np.ndarray:
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    plane = cv2.getPerspectiveTransform(unit, pose.project(side_m, camera or Camera()).astype(np.float32))
    seen = np.asarray(cv2.perspectiveTransform(CORNERS[None], plane)[0])
    return seen + np.random.default_rng(0).normal(0, noise, seen.shape).astype(np.float32)


@pytest.mark.parametrize(
    "pose",
    [
        Pose(distance_m=1.4),
        Pose(distance_m=2.0, x_m=0.4, y_m=-0.2),
        Pose(distance_m=2.4, yaw_deg=40, pitch_deg=-15),
        Pose(distance_m=2.0, yaw_deg=-55, roll_deg=20),
        Pose(distance_m=4.0, yaw_deg=30),  # markers of 23 px
        Pose(distance_m=5.0, yaw_deg=-25, pitch_deg=10),  # 18 px
    ],
)
def test_a_rendered_board_is_measured(pose: Pose) -> None:
    target = Fiducials({4: 1.0}, gauge=GAUGE).locate(scene(pose))
    assert target is not None
    assert target.sight is not None
    distance, angle = truth(pose)
    assert target.sight.distance_m == pytest.approx(distance, rel=0.01)
    assert target.sight.angle_deg == pytest.approx(angle, abs=2.0)
    assert target.sight.markers_px == pytest.approx(820 * 0.75 * 0.15 / distance, rel=0.25)


@pytest.mark.parametrize("yaw", [-50.0, -20.0, 35.0])
def test_a_right_edge_further_away_is_a_positive_yaw(yaw: float) -> None:
    pose = Pose(distance_m=2.0, yaw_deg=yaw)
    corners = pose.project(0.75, Camera())
    left, right = np.linalg.norm(corners[0] - corners[3]), np.linalg.norm(corners[1] - corners[2])
    sight = GAUGE.sight(CORNERS, pixels(pose), (540, 960))
    assert sight is not None
    assert np.sign(sight.yaw_deg) == np.sign(left - right)  # what is further away looks smaller
    assert abs(sight.yaw_deg) == pytest.approx(abs(yaw), abs=0.1)


def test_corners_without_noise_are_measured_without_error() -> None:
    for pose in (Pose(distance_m=1.7, yaw_deg=33, pitch_deg=-20, roll_deg=50, x_m=0.3), Pose(distance_m=3.0)):
        sight = GAUGE.sight(CORNERS, pixels(pose), (540, 960))
        assert sight is not None
        distance, angle = truth(pose)
        assert sight.distance_m == pytest.approx(distance, rel=1e-4)
        assert sight.angle_deg == pytest.approx(angle, abs=0.1)


def test_a_lens_serves_other_sizes_of_its_shape_and_no_other() -> None:
    pose = Pose(distance_m=2.0, yaw_deg=25)
    sight = GAUGE.sight(CORNERS, pixels(pose) * 2, (1080, 1920))
    assert sight is not None
    assert sight.distance_m == pytest.approx(2.0, rel=1e-3)
    with pytest.raises(OptionError, match="calibrate again"):
        GAUGE.sight(CORNERS, pixels(pose), (720, 960))


def test_a_lens_that_bends_lines_is_undone() -> None:
    pose = Pose(distance_m=1.6, yaw_deg=30, x_m=0.35)
    bent = replace(LENS, distortion=(-0.25, 0.05, 0.0, 0.0, 0.0))
    rays = (pixels(pose) - (480, 270)) / 820
    square = (rays**2).sum(axis=1, keepdims=True)
    seen = (rays * (1 - 0.25 * square + 0.05 * square**2) * 820 + (480, 270)).astype(np.float32)
    sight = Gauge(lens=bent, board_m=0.75).sight(CORNERS, seen, (540, 960))
    assert sight is not None
    assert sight.distance_m == pytest.approx(truth(pose)[0], rel=1e-3)


def test_without_a_lens_the_angle_is_near_and_the_distance_unknown() -> None:
    for focal in (600, 820, 1200):
        for pose in (Pose(distance_m=1.5, yaw_deg=20), Pose(distance_m=2.0, yaw_deg=40), Pose(distance_m=3.0)):
            for gauge in (Gauge(), Gauge(board_m=0.75)):
                sight = gauge.sight(CORNERS, pixels(pose, 0.2, camera=Camera(focal_px=focal)), (540, 960))
                assert sight is not None
                assert sight.distance_m is None
                assert sight.angle_deg == pytest.approx(pose.yaw_deg, abs=3)
    pose = Pose(distance_m=2.0, yaw_deg=40)
    sight = Gauge(lens=LENS).sight(CORNERS, pixels(pose), (540, 960))
    assert sight is not None
    assert sight.distance_m is None
    assert sight.angle_deg == pytest.approx(40, abs=0.1)


def test_small_markers_do_not_tell() -> None:
    four, near = pixels(Pose(distance_m=5.0, yaw_deg=30)), pixels(Pose(distance_m=3.4))  # 17 px, 27 px
    assert GAUGE.sight(CORNERS, four, (540, 960)) is not None
    assert GAUGE.sight(CORNERS[:8], four[:8], (540, 960)) is None  # two of 17 px
    assert GAUGE.sight(CORNERS[:8], near[:8], (540, 960)) is not None
    assert GAUGE.sight(CORNERS, pixels(Pose(distance_m=6.5)), (540, 960)) is None  # four of 14 px


def test_small_markers_beside_large_ones_do_no_harm() -> None:
    marks = list(Layout().markers(4).values())
    board = np.concatenate([*marks[:3], *marks[4:]])
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    corners = Pose(distance_m=4.4, yaw_deg=20).project(0.75, Camera()).astype(np.float32)
    seen = np.asarray(cv2.perspectiveTransform(board[None], cv2.getPerspectiveTransform(unit, corners))[0])
    sight = GAUGE.sight(board, seen, (540, 960))
    assert sight is not None
    assert sight.markers_px < 16 < 820 * 0.75 * 0.15 / 4.4  # the mean of three of 21 px and eight of half of that
    assert sight.angle_deg == pytest.approx(20, abs=0.1)


def test_two_planes_that_explain_the_same_corners_do_not_tell() -> None:
    # From afar through a long lens perspective is gone: turned to the left or to the right looks the same.
    far = Camera(focal_px=82_000)
    lens = replace(LENS, focal_px=(82_000.0, 82_000.0))
    seen = pixels(Pose(distance_m=200.0, yaw_deg=35), 0.2, camera=far)
    assert Gauge(lens=lens, board_m=0.75).sight(CORNERS, seen, (540, 960)) is None
    facing = Gauge(lens=lens, board_m=0.75).sight(CORNERS, pixels(Pose(distance_m=200.0), camera=far), (540, 960))
    assert facing is not None  # both planes face the camera
    assert facing.angle_deg < 5


def test_corners_that_no_plane_explains_do_not_tell() -> None:
    assert GAUGE.sight(CORNERS, pixels(Pose(distance_m=2.0), 4.0), (540, 960)) is None


@pytest.mark.parametrize("side", [0.0, -1.0, float("nan"), 200.0])
def test_boards_without_a_side_are_refused(side: float) -> None:
    with pytest.raises(OptionError, match="at most 100 m"):
        Gauge(board_m=side)


def test_the_virtual_camera_knows_its_lens_and_board() -> None:
    seen: list[Observation] = []
    film(trio(), [colour_reader()], FilmOptions(feed=feed(clips=1, frames=2)), on_frame=seen.append)
    shots = VirtualCamera(trio(), Script(clips=1, frames_per_clip=2, blank_frames=3, distance_m=(1.6, 2.4))).shots
    measured = 0
    for observation, shot in zip(seen, shots, strict=True):
        if shot.exhibit is None:
            continue
        assert observation.target is not None
        record = observation.record()["sight"]
        assert isinstance(record, dict)
        distance, angle = truth(shot.pose)
        assert record["distance_m"] == pytest.approx(distance, rel=0.01)
        assert record["angle_deg"] == pytest.approx(angle, abs=2.0)
        measured += 1
    assert measured == 6
