"""Pasting a flat picture in perspective: positions to a fraction of a pixel, and no aliasing."""

from __future__ import annotations

import numpy as np
import pytest

from misread.runtime.channel.warp import paste, shrink_for


def box(left: float, top: float, width: float, height: float) -> np.ndarray:
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5])
def test_coverage_of_a_white_square_is_its_area(shift: float) -> None:
    scene = np.zeros((60, 80, 3), np.uint8)
    paste(scene, np.full((40, 40, 3), 255, np.uint8), box(20 + shift, 15, 30, 20))
    assert scene[..., 0].sum() / 255 == pytest.approx(600, rel=0.01)
    columns = np.arange(80) + 0.5
    centre = (scene[..., 0].sum(axis=0) * columns).sum() / scene[..., 0].sum()
    assert centre == pytest.approx(35 + shift, abs=0.05)


def test_a_picture_at_its_own_size_keeps_its_pixels() -> None:
    flat = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    scene = np.zeros((50, 50, 3), np.uint8)
    paste(scene, flat, box(10, 12, 24, 24))
    inside = np.abs(scene[13:35, 11:33].astype(int) - flat[1:23, 1:23])
    assert inside.mean() < 45  # twofold supersampling is a small blur, not a shift
    rough = np.abs(scene[13:35, 12:34].astype(int) - flat[1:23, 1:23]).mean()
    assert inside.mean() < rough / 1.5


def test_a_fine_pattern_far_away_turns_grey_instead_of_aliasing() -> None:
    flat = np.zeros((400, 400, 3), np.uint8)
    flat[:, ::2] = 255
    corners = box(10, 10, 37, 37)
    scene = np.zeros((60, 60, 3), np.uint8)
    paste(scene, shrink_for(flat, corners), corners)
    assert scene[14:43, 14:43].std() < 10
    assert scene[14:43, 14:43].mean() == pytest.approx(127.5, abs=3)


def test_what_lies_outside_the_scene_is_left_away() -> None:
    scene = np.zeros((40, 40, 3), np.uint8)
    paste(scene, np.full((90, 90, 3), 255, np.uint8), box(-15, -15, 30, 30))
    paste(scene, np.full((10, 10, 3), 255, np.uint8), box(100, 100, 30, 30))
    assert scene[:14, :14].min() == 255
    assert scene[17:].max() == 0


def test_small_pictures_are_not_enlarged() -> None:
    flat = np.zeros((10, 10, 3), np.uint8)
    assert shrink_for(flat, box(0, 0, 300, 300)) is flat
