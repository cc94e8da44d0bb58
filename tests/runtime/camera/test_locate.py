"""Finding the picture: by markers under damage, by place, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.errors import OptionError, UnknownName
from misread.runtime.board import CORNER_DICTIONARY, Exhibit, Layout, draw_board
from misread.runtime.camera.locate import Fiducials, Target, open_locator
from misread.runtime.channel import paste
from misread.runtime.rig import Camera, Pose

if TYPE_CHECKING:
    from misread.pixels import UInt8

QUARTERS = np.zeros((40, 40, 3), np.uint8)
QUARTERS[:20, :20], QUARTERS[:20, 20:], QUARTERS[20:, 20:], QUARTERS[20:, :20] = (
    (220, 30, 30),
    (30, 200, 30),
    (30, 30, 220),
    (220, 200, 30),
)
EXHIBIT = Exhibit(index=4, name="q", arm="clean", image=QUARTERS, label="Stop")


def scene(pose: Pose | None = None, hide: tuple[int, ...] = (), edges: bool = False) -> UInt8:
    frame = np.full((540, 960, 3), 96, np.uint8)
    board = draw_board(EXHIBIT, 600)
    places = [Layout().marker_corners(corner) for corner in hide]
    places += [] if edges else [Layout().edge_marker_corners(place) for place in range(8)]
    for place in places:
        low, high = (place[[0, 2]] * 600).astype(int)
        board[low[1] : high[1], low[0] : high[0]] = 96
    paste(frame, board, (pose or Pose(distance_m=2.0)).project(0.75, Camera()))
    return frame


def expected(pose: Pose) -> np.ndarray:
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    plane = cv2.getPerspectiveTransform(unit, pose.project(0.75, Camera()).astype(np.float32))
    return np.asarray(cv2.perspectiveTransform(Layout().picture_corners()[None], plane)[0])


@pytest.mark.parametrize(
    "pose",
    [
        Pose(distance_m=1.6),
        Pose(distance_m=2.4, yaw_deg=40, pitch_deg=-15),
        Pose(distance_m=2.0, roll_deg=30, x_m=0.3),
        Pose(distance_m=3.5, yaw_deg=-20),
    ],
)
def test_corners_to_a_third_of_a_pixel(pose: Pose) -> None:
    target = Fiducials({4: 1.0}).locate(scene(pose))
    assert target is not None
    assert (target.exhibit, target.markers) == (4, 4)
    assert np.abs(target.corners - expected(pose)).max() < 0.35
    assert target.size_px == pytest.approx(820 * 0.45 / pose.distance_m, rel=0.15)


@pytest.mark.parametrize(
    ("hide", "found"), [((0,), True), ((0, 2), True), ((0, 1), False), ((0, 1, 2), False), ((0, 1, 2, 3), False)]
)
def test_hidden_markers(hide: tuple[int, ...], found: bool) -> None:
    target = Fiducials({4: 1.0}).locate(scene(Pose(distance_m=2.0, yaw_deg=15), hide))
    assert (target is not None) == found
    if target is not None:
        assert np.abs(target.corners - expected(Pose(distance_m=2.0, yaw_deg=15))).max() < 3.5  # of 185


def test_close_up_the_markers_along_the_edges_do() -> None:
    pose = Pose(distance_m=1.0, yaw_deg=8, roll_deg=3)  # of the board, 615 px at 540 lines, the corners are outside
    target = Fiducials({4: 1.0}).locate(scene(pose, edges=True))
    assert target is not None
    assert (target.exhibit, target.markers) == (4, 4)
    assert np.abs(target.corners - expected(pose)).max() < 1.0  # of 370


def test_of_two_boards_no_marker_is_borrowed() -> None:
    frame = scene(Pose(distance_m=2.4, x_m=-0.6), (0, 1))  # two left: too few
    other = Exhibit(index=5, name="o", arm="adversarial", image=QUARTERS, label="Stop")
    right = Pose(distance_m=2.4, x_m=0.6)
    paste(frame, draw_board(other, 600), right.project(0.75, Camera()))
    target = Fiducials({4: 1.0, 5: 1.0}).locate(frame)
    assert target is not None
    assert (target.exhibit, target.markers) == (5, 4)
    assert np.abs(target.corners - expected(right)).max() < 0.35
    assert Fiducials({4: 1.0}).locate(frame) is None


@pytest.mark.parametrize("distance_m", [1.2, 2.2])
@pytest.mark.parametrize("yaw_deg", [0, -30, 50])
@pytest.mark.parametrize("roll_deg", [0, 9, 20, 33, 45, 70, 90])
def test_the_raw_crop_holds_no_marker(distance_m: float, yaw_deg: float, roll_deg: float) -> None:
    pose = Pose(distance_m=distance_m, yaw_deg=yaw_deg, pitch_deg=8, roll_deg=roll_deg)
    target = Fiducials({4: 1.0}).locate(scene(pose, edges=True))
    if target is None:
        assert distance_m == 1.2  # then part of the picture may be outside of the frame
        return
    plane = cv2.getPerspectiveTransform(
        np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), pose.project(0.75, Camera()).astype(np.float32)
    )
    marked = np.zeros((Camera().height, Camera().width, 3), np.uint8)
    for place in Layout().markers(4).values():
        cv2.fillPoly(marked, [np.rint(cv2.perspectiveTransform(place[None], plane) - 0.5).astype(np.int32)], (255,) * 3)
    inside = cv2.erode(marked, np.ones((3, 3), np.uint8))  # a pixel on the edge is half paper
    assert inside.any()
    crop = target.crops(np.asarray(inside, np.uint8))["raw"]
    assert not crop.any()
    assert min(crop.shape[:2]) >= 0.55 * np.linalg.norm(
        target.corners[0] - target.corners[3]
    )  # and most of the picture
    upright = abs(roll_deg) < 5 and yaw_deg == 0
    assert not upright or target.share == 1.0


def test_two_small_markers_are_not_enough() -> None:
    assert Fiducials({4: 1.0}).locate(scene(Pose(distance_m=4.2), (0, 2))) is None


def test_exhibits_that_are_not_expected_are_not_seen() -> None:
    assert Fiducials({3: 1.0}).locate(scene()) is None


def test_a_picture_that_leaves_the_frame_is_not_read() -> None:
    assert Fiducials({4: 1.0}).locate(scene(Pose(distance_m=1.6, x_m=0.80))) is None


def test_following_a_board_gives_what_looking_everywhere_gives() -> None:
    following = Fiducials({4: 1.0})
    for step in range(6):
        frame = scene(Pose(distance_m=2.0, x_m=-0.3 + 0.1 * step))
        found, fresh = following.locate(frame), Fiducials({4: 1.0}).locate(frame)
        assert found is not None
        assert fresh is not None
        assert np.abs(found.corners - fresh.corners).max() < 0.3
    jumped = following.locate(scene(Pose(distance_m=3.0, x_m=-0.9)))
    assert jumped is not None


def test_the_rectified_crop_is_the_picture_seen_from_the_front() -> None:
    pose = Pose(distance_m=1.8, yaw_deg=35, roll_deg=20)
    frame = scene(pose)
    target = Fiducials({4: 1.0}).locate(frame)
    assert target is not None
    crops = target.crops(frame)
    flat = cv2.resize(crops["rectified"], (40, 40), interpolation=cv2.INTER_AREA).astype(int)
    for rows, columns in ((slice(3, 17), slice(3, 17)), (slice(23, 37), slice(23, 37)), (slice(3, 17), slice(23, 37))):
        assert np.abs(flat[rows, columns] - QUARTERS[rows, columns]).max() < 25
    low, high = target.corners.min(axis=0), target.corners.max(axis=0)
    height, width = crops["raw"].shape[:2]
    assert (width, height) == pytest.approx(tuple(target.share * (high - low)), abs=2.01)


def test_a_picture_of_another_aspect_is_cut_by_its_aspect() -> None:
    wide = Exhibit(index=1, name="w", arm="clean", image=np.full((20, 40, 3), (200, 0, 0), np.uint8), label="Stop")
    frame = np.full((540, 960, 3), 96, np.uint8)
    paste(frame, draw_board(wide, 600), Pose(distance_m=2.0).project(0.75, Camera()))
    target = Fiducials({1: wide.aspect}).locate(frame)
    assert target is not None
    crop = target.crops(frame)["rectified"]
    assert crop.shape[1] / crop.shape[0] == pytest.approx(2, rel=0.03)
    assert crop[2:-2, 2:-2, 1].max() < 40  # no paper in it


def test_boxes_and_places() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (100, 160, 3), dtype=np.uint8)
    cut = {text: crop(text, frame) for text in ("box:10,20,30,40", "centre", "centre:1", "frame")}
    assert (cut["box:10,20,30,40"] == frame[20:60, 10:40]).all()
    assert (cut["centre"] == frame[20:80, 50:110]).all()
    assert (cut["centre:1"] == frame[:, 30:130]).all()
    assert (cut["frame"] == frame).all()


def crop(text: str, frame: UInt8) -> UInt8:
    target = open_locator(text, {}).locate(frame)
    assert target is not None
    crops = target.crops(frame)
    assert list(crops) == ["raw"]  # nothing to rectify
    return crops["raw"]


def test_a_box_outside_of_the_frame_and_a_tiny_frame_give_nothing() -> None:
    frame = np.zeros((50, 50, 3), np.uint8)
    assert open_locator("box:30,30,30,30", {}).locate(frame) is None
    assert open_locator("centre:0.1", {}).locate(frame) is None
    assert open_locator("frame", {}).locate(frame[:4, :4]) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("box:1,2,3", "box:x,y,width,height"),
        ("box:0,0,4,4", "at least 8"),
        ("box:0.5,0,40,40", "does not fit"),
        ("box:a,b,c,d", "expected numbers"),
        ("centre:nan", "0.05 to 1"),
        ("centre:0.1,0.2", "does not fit"),
        ("frame:1", "does not fit"),
        ("fiducials:2", "does not fit"),
        ("fiducial", "did you mean 'fiducials'"),
    ],
)
def test_locators_that_make_no_sense_are_refused(text: str, says: str) -> None:
    with pytest.raises((OptionError, UnknownName), match=says):
        open_locator(text, {})


def test_markers_that_contradict_each_other_are_not_believed() -> None:
    frame = scene(hide=(2,))
    # The third marker hangs beside the board: a sheet that is bent, or another one behind it.
    stray = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), 18, 60)
    frame[430:510, 640:720] = 255
    frame[440:500, 650:710] = stray[..., None]
    found: dict[int, dict[tuple[int, int], np.ndarray]] = {}
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    Fiducials({4: 1.0})._detect(CORNER_DICTIONARY, grey, (0, 0), found)
    assert sorted(found[4]) == [(CORNER_DICTIONARY, 16 + corner) for corner in range(4)]
    assert Fiducials({4: 1.0}).locate(frame) is None


def test_a_target_knows_its_size() -> None:
    corners = np.array([[0, 0], [30, 0], [30, 10], [0, 10]], np.float32)
    assert Target(corners=corners).size_px == 20
