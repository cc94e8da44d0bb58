"""Signs without markers: in drawn streets, on the rig, on real footage; and what is no sign."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.assets.scene import draw_scene
from misread.errors import OptionError
from misread.runtime.camera.locate import Contour, Target, open_locator
from misread.runtime.rig import Film, Script, plan
from misread.runtime.source.synthetic import drawn_exhibit

if TYPE_CHECKING:
    from pathlib import Path

    from misread.pixels import UInt8

RED, BLUE = (190, 30, 40), (30, 70, 180)


def regular(corners: int, middle: tuple[int, int], side: int, aspect: float = 1.0) -> np.ndarray:
    angles = 2 * np.pi * (np.arange(corners) + 0.5) / corners
    points = np.column_stack([np.sin(angles) * aspect, np.cos(angles)]) * side / 2 + middle
    return np.rint(points).astype(np.int32)


def frame(*shapes: np.ndarray, colour: tuple[int, int, int] = RED) -> UInt8:
    picture = np.full((240, 320, 3), (120, 130, 125), np.uint8)
    for shape in shapes:
        cv2.fillPoly(picture, [shape], colour, cv2.LINE_AA)
    return picture


def middle(target: Target | None) -> tuple[float, float]:
    assert target is not None
    x, y = target.corners.mean(axis=0)
    return float(x), float(y)


@pytest.mark.parametrize(("corners", "aspect"), [(8, 1.0), (8, 0.6), (60, 1.0), (60, 0.6), (3, 1.0)])
def test_octagons_ellipses_and_triangles_are_found(corners: int, aspect: float) -> None:
    shape = regular(corners, (150, 120), 90, aspect)
    target = Contour().locate(frame(shape))
    assert target is not None
    low, high = shape.min(axis=0), shape.max(axis=0) + 1
    rim = 0.04 * (high - low)
    assert np.abs(target.corners[[0, 2]] - [low - rim, high + rim]).max() < 1.6
    assert (target.exhibit, target.planar, target.sight) == (None, False, None)
    assert list(target.crops(frame(shape))) == ["raw"]


@pytest.mark.parametrize(
    "shape",
    [
        regular(4, (150, 120), 90),
        np.array([[100, 100], [220, 100], [220, 130], [100, 130]], np.int32),  # a banner
        regular(8, (150, 120), 90, 0.3),
        regular(8, (150, 120), 10),
        regular(8, (20, 120), 90),  # leaves the frame
        np.array([[100, 60], [200, 60], [200, 160], [170, 160], [170, 90], [100, 90]], np.int32),  # no full shape
    ],
)
def test_other_shapes_are_not(shape: np.ndarray) -> None:
    assert Contour().locate(frame(shape)) is None


def test_other_colours_are_not() -> None:
    octagon = regular(8, (150, 120), 90)
    assert Contour("blue").locate(frame(octagon)) is None
    assert Contour("red").locate(frame(octagon, colour=BLUE)) is None
    assert Contour("blue").locate(frame(octagon, colour=BLUE)) is not None
    assert Contour("yellow").locate(frame(octagon, colour=(220, 180, 30))) is not None
    assert Contour().locate(frame(octagon, colour=(140, 120, 120))) is None


def test_it_stays_with_the_sign_that_it_found() -> None:
    near, far, grown = (regular(8, *where) for where in (((90, 120), 80), ((240, 120), 60), ((240, 120), 100)))
    locator = Contour()
    assert middle(locator.locate(frame(near, far)))[0] == pytest.approx(90, abs=2)  # the larger one first
    for x in (96, 102, 108):  # and then the nearer one
        assert middle(locator.locate(frame(regular(8, (x, 120), 80), grown)))[0] == pytest.approx(x, abs=2)
    for _ in range(4):
        assert locator.locate(frame(grown)) is None  # lost for a moment: another sign is not the same one
    assert middle(locator.locate(frame(regular(8, (110, 120), 80), grown)))[0] == pytest.approx(110, abs=2)
    for _ in range(5):
        assert locator.locate(frame(grown)) is None
    assert middle(locator.locate(frame(grown)))[0] == pytest.approx(240, abs=2)  # gone for good


def test_stop_signs_in_drawn_streets_are_found_in_any_weather() -> None:
    found = 0
    for seed in range(10):
        scene = draw_scene("Stop", np.random.default_rng(seed))
        target = Contour().locate(scene.image)
        if target is not None:
            off = np.abs(target.corners.mean(axis=0) - scene.corners.mean(axis=0)).max()
            assert off < 0.08 * np.ptp(scene.corners, axis=0).max()  # what is found is the sign
            found += 1
    assert found >= 9


@pytest.mark.parametrize(("label", "colour"), [("Stop", "red"), ("No entry", "red"), ("Ahead only", "blue")])
def test_signs_on_the_rig_are_found_and_streets_are_not(label: str, colour: str) -> None:
    script = Script(clips=2, frames_per_clip=3, blank_frames=1)
    film, locator = Film(script, [drawn_exhibit(label)]), Contour(colour)
    for shot in plan(script, 1):
        target = locator.locate(film.render(shot))
        assert (target is not None) == (shot.exhibit is not None)
        if target is not None:
            board = shot.pose.project(script.side_m, film.camera)
            assert np.abs(target.corners.mean(axis=0) - board.mean(axis=0)).max() < 10


def test_real_stop_signs_are_found(shared_data: Path) -> None:
    hits = frames = 0
    with tarfile.open(shared_data / "gtsrb" / "stop-tracks.tar.xz") as tar:
        stored = {name: tar.extractfile(name) for name in tar.getnames() if name.endswith(".ppm")}
        pictures = {name: photo(file.read()) for name, file in stored.items() if file is not None}
    tracks: dict[str, Contour] = {}
    for name in sorted(pictures):
        picture = pictures[name]
        target = tracks.setdefault(name.rsplit("_", 1)[0], Contour()).locate(picture)
        frames += 1
        if target is not None:
            size = np.array(picture.shape[1::-1])
            low, high = target.corners[0] / size, target.corners[2] / size
            # These photographs are cut so that the sign fills the middle.
            hits += bool(np.abs((low + high) / 2 - 0.5).max() < 0.12 and (high - low).min() > 0.5)
    assert frames == 180
    assert hits / frames >= 0.93  # 172 of 180


def photo(data: bytes) -> UInt8:
    """Read a PPM whose header lines may end as Windows writes them, which readers take for a byte of the picture."""
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255(\r\n|\n)", data)
    assert header is not None
    width, height = int(header[1]), int(header[2])
    pixels = np.frombuffer(data, np.uint8, width * height * 3, header.end())
    return pixels.reshape(height, width, 3).copy()


def test_locators_of_colours() -> None:
    assert isinstance(open_locator("contour", {}), Contour)
    assert isinstance(open_locator("contour:yellow", {}), Contour)
    with pytest.raises(OptionError, match="did you mean 'blue'"):
        open_locator("contour:blu", {})
