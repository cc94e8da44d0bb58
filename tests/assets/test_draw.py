from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from misread.assets import SIGN_LABELS
from misread.assets.draw import DRAWN, draw_sign
from misread.assets.glyphs import GLYPHS
from misread.assets.shapes import circle, octagon, points, ribbon, rounded
from misread.errors import OptionError, UnknownName


def area(contour: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    x, y = contour.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def test_every_label_can_be_drawn() -> None:
    assert set(DRAWN) == set(SIGN_LABELS)


@pytest.mark.parametrize("label", DRAWN)
def test_sign_fills_its_square_but_for_the_margin(label: str) -> None:
    sign = draw_sign(label, 100)
    assert sign.shape == (100, 100, 4)
    assert sign.dtype == np.uint8
    across = np.flatnonzero((sign[..., 3] > 127).any(axis=0))
    assert across[0] in range(1, 5)
    assert across[-1] in range(95, 99)
    assert (sign[0, :, 3] == 0).all()
    assert sign[50, 50, 3] == 255


def test_stop_is_a_red_octagon_with_white_letters() -> None:
    sign = draw_sign("Stop", 200).astype(int)
    covered = (sign[..., 3] / 255).sum()
    exact = area(octagon(1)) * (100 * 0.96) ** 2
    assert covered == pytest.approx(exact, rel=0.005)
    red = (sign[..., 0] > 150) & (sign[..., 1] < 80) & (sign[..., 3] > 200)
    assert 0.5 * exact < red.sum() < 0.85 * exact
    white = (sign[70:130, 20:180, :3] > 200).all(axis=2)
    letters, _ = cv2.connectedComponents(np.asarray(white, np.uint8))
    assert letters - 1 == 4


def test_number_of_strokes_tells_the_speed_limits_apart() -> None:
    signs = [draw_sign(f"Speed limit {number}", 48).astype(float)[..., :3] for number in (20, 30, 50, 60, 70, 80)]
    for one, other in itertools.pairwise(signs):
        assert np.abs(one - other).mean() > 3


def test_mirrored_signs_are_mirror_images() -> None:
    for left, right in (("Turn left ahead", "Turn right ahead"), ("Keep left", "Keep right")):
        mirrored = draw_sign(left, 64)[:, ::-1].astype(int)
        assert np.abs(mirrored - draw_sign(right, 64)).mean() < 2


def test_edges_are_soft_and_keep_their_colour() -> None:
    sign = draw_sign("No entry", 64)
    rim = (sign[..., 3] > 20) & (sign[..., 3] < 235)
    assert rim.sum() > 60
    assert sign[rim][:, :3].min() > 200  # white to the very edge: nothing dark leaks in from outside


def test_size_changes_the_scale_only() -> None:
    large = cv2.resize(draw_sign("Priority road", 128), (64, 64), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(large - draw_sign("Priority road", 64))[..., 3].mean() < 1


def test_unknown_label_names_the_known() -> None:
    with pytest.raises(UnknownName, match="Speed limit 30"):
        draw_sign("Speed limit 130", 64)


@pytest.mark.parametrize("size", [0, 3, -5, 5000])
def test_absurd_sizes_are_refused(size: int) -> None:
    with pytest.raises(OptionError, match="4 to 4096"):
        draw_sign("Stop", size)


def test_shapes_have_the_area_of_the_textbook() -> None:
    assert area(octagon(1)) == pytest.approx(8 * (2**0.5 - 1))
    assert area(circle(1)) == pytest.approx(np.pi, rel=1e-3)
    line = points((0, 0), (3, 4))
    (outline,) = ribbon(line, 0.5)
    assert area(outline) == pytest.approx(2.5)
    square = points((0, 0), (1, 0), (1, 1), (0, 1))
    outer, inner = ribbon(square, 0.2, closed=True)
    assert abs(area(outer) - area(inner)) == pytest.approx(4 * 0.2)
    assert 0.9 < area(rounded(square, 0.2)) < 1


@pytest.mark.parametrize("character", GLYPHS)
def test_glyphs_stay_in_their_cell(character: str) -> None:
    width, bands = GLYPHS[character]
    everything = np.concatenate([contour for band in bands for contour in band])
    assert np.abs(everything[:, 0]).max() < width / 2 + 0.05
    assert np.abs(everything[:, 1]).max() < 0.57  # the beak of the 1 stands out a little
