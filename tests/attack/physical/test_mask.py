from __future__ import annotations

import cv2
import numpy as np
import pytest

from misread.attack.physical.mask import alpha_mask, sign_mask
from misread.errors import InputError, OptionError

OCTAGON = 20 + 15 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], 1)


def test_a_box_marks_the_pixels_whose_centre_it_holds() -> None:
    mask = sign_mask([(2, 1), (6, 1), (6, 4), (2, 4)], (6, 9))
    expected = np.zeros((6, 9), bool)
    expected[1:4, 2:6] = True
    assert np.array_equal(mask, expected)


def test_the_direction_of_the_corners_does_not_matter() -> None:
    assert np.array_equal(sign_mask(OCTAGON, (40, 40)), sign_mask(OCTAGON[::-1], (40, 40)))


def test_an_octagon_is_opencvs_but_for_its_rim() -> None:
    drawn = np.zeros((40, 40), np.uint8)
    cv2.fillConvexPoly(drawn, np.rint((OCTAGON - 0.5) * 256).astype(np.int32), 1, shift=8)
    differs = sign_mask(OCTAGON, (40, 40)) != (drawn > 0)
    rim = cv2.dilate(drawn, np.ones((3, 3), np.uint8)) != cv2.erode(drawn, np.ones((3, 3), np.uint8))
    assert not (differs & ~rim).any()


def test_parts_outside_the_picture_are_left_out() -> None:
    assert sign_mask([(-50, -50), (50, -50), (50, 50), (-50, 50)], (8, 8)).all()


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        ([(0, 0), (4, 4)], "at least three"),
        ([(0, 0), (4, 0), (4, float("nan"))], "at least three"),
        ([(0, 0), (4, 0), (1, 1), (0, 4)], "convex"),
        ([(0, 0), (1, 1), (2, 2)], "convex and have an area"),
    ],
)
def test_refuses_outlines_that_hold_nothing(corners: list[tuple[float, float]], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        sign_mask(corners, (8, 8))


def test_alpha_is_the_sign() -> None:
    rgba = np.zeros((3, 3, 4), np.uint8)
    rgba[1, :, 3] = (127, 128, 255)
    assert alpha_mask(rgba)[1].tolist() == [False, True, True]
    assert alpha_mask(rgba, least=255).sum() == 1
    with pytest.raises(InputError, match=r"alpha channel, got \(3, 3, 3\)"):
        alpha_mask(rgba[..., :3])
