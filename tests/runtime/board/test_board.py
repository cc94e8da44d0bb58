"""The board: OpenCV's own detector must read back what is drawn, where the layout says."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.board import (
    CORNER_DICTIONARY,
    EDGE_DICTIONARY,
    MAX_EXHIBITS,
    Exhibit,
    Layout,
    draw_board,
    marker_id,
    read_marker,
    read_marker_id,
)

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.board import Mark

SQUARE = np.full((48, 48, 3), (200, 30, 40), np.uint8)


def exhibit(index: int = 0, image: UInt8 = SQUARE) -> Exhibit:
    return Exhibit(index=index, name="sign", arm="clean", image=image, label="Stop")


@pytest.mark.parametrize("index", [0, 5, MAX_EXHIBITS - 1])
def test_markers_are_read_where_the_layout_puts_them(index: int) -> None:
    board = draw_board(exhibit(index), 800)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    corners, ids, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(cv2.cvtColor(board, cv2.COLOR_RGB2GRAY))
    found = {int(marker): points.reshape(4, 2) for marker, points in zip(ids.ravel(), corners, strict=True)}
    assert sorted(found) == [marker_id(index, corner) for corner in range(4)]
    for marker, points in found.items():
        expected = Layout().marker_corners(read_marker_id(marker)[1]) * 800
        assert np.abs(points + 0.5 - expected).max() <= 1.0


@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 80), (90, 30)])
def test_the_picture_fills_its_place_and_keeps_its_aspect(height: int, width: int) -> None:
    shown = exhibit(image=np.full((height, width, 3), (200, 30, 40), np.uint8))
    board = draw_board(shown, 1000)
    red = np.argwhere((board == (200, 30, 40)).all(axis=2))
    top, left = red.min(axis=0)
    bottom, right = red.max(axis=0) + 1
    place = Layout().picture_corners(shown.aspect) * 1000
    assert (left, top) == tuple(np.rint(place[0]).astype(int))
    assert (right, bottom) == tuple(np.rint(place[2]).astype(int))
    assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize("index", [0, 7, MAX_EXHIBITS - 1])
def test_both_scales_are_read_where_the_layout_puts_them(index: int) -> None:
    grey = cv2.cvtColor(draw_board(exhibit(index), 800), cv2.COLOR_RGB2GRAY)
    found: dict[Mark, np.ndarray] = {}
    for dictionary in (CORNER_DICTIONARY, EDGE_DICTIONARY):
        detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(dictionary))
        corners, ids, _ = detector.detectMarkers(grey)
        found |= {(dictionary, int(marker)): at[0] for marker, at in zip(ids.ravel(), corners, strict=True)}
    places = Layout().markers(index)
    assert found.keys() == places.keys()
    assert {read_marker(mark) for mark in found} == {index}
    assert max(np.abs(found[mark] + 0.5 - places[mark] * 800).max() for mark in found) <= 1.0


def test_no_marker_of_one_exhibit_is_one_of_another() -> None:
    marks = [mark for index in range(MAX_EXHIBITS) for mark in Layout().markers(index)]
    assert len(set(marks)) == len(marks) == 12 * MAX_EXHIBITS


def test_no_marker_reaches_into_the_picture_or_another() -> None:
    layout = Layout()
    places = [layout.picture_corners(), *layout.markers(0).values()]
    for one, other in combinations(places, 2):
        quiet = 0.009  # a module of the small ones
        assert ((one.max(axis=0) + quiet <= other.min(axis=0)) | (other.max(axis=0) + quiet <= one.min(axis=0))).any()


@pytest.mark.parametrize(
    "layout",
    [
        {"margin": 0.01},  # no quiet zone
        {"picture": 0.7},  # touches the markers
        {"marker": float("nan")},
        {"edge_offset": 0.03},  # the small ones touch each other
        {"edge_offset": 0.29},  # and those in the corners
        {"edge_marker": 0.0},
    ],
)
def test_layouts_that_cannot_be_read_are_refused(layout: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Layout(**layout)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"index": 12}, "0 to 11"),
        ({"index": -1}, "0 to 11"),
        ({"arm": "evil"}, "one of clean"),
        ({"image": np.zeros((4, 4), np.uint8)}, "uint8 RGB"),
        ({"image": np.zeros((4, 4, 3), np.float32)}, "uint8 RGB"),
    ],
)
def test_exhibits_that_cannot_be_shown_are_refused(change: dict[str, object], says: str) -> None:
    given: dict[str, object] = {"index": 0, "name": "sign", "arm": "clean", "image": SQUARE, "label": "Stop"}
    with pytest.raises(OptionError, match=says):
        Exhibit(**{**given, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [10, 10_000])
def test_sizes_that_cannot_be_drawn_are_refused(side: int) -> None:
    with pytest.raises(OptionError, match="side_px"):
        draw_board(exhibit(), side)
