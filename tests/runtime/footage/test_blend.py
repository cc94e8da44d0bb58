"""A change in another sign's place and light: against closed forms, and against a sign that was really painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from misread.assets.draw import draw_sign
from misread.runtime.channel.linear import to_levels, to_light
from misread.runtime.channel.warp import paste
from misread.runtime.footage import Light, blended, light_of, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

SIDE = 96
FINE = 4 * SIDE
BOX = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float64)
PLAIN = Light(gain=np.ones(3, np.float32), veil=np.zeros(3, np.float32))


def stop(side: int = SIDE) -> UInt8:
    """Draw a stop sign that fills its picture, on grey."""
    rgba = draw_sign("Stop", side)
    alpha = rgba[..., 3:].astype(float) / 255
    return np.asarray(np.rint(rgba[..., :3] * alpha + 110 * (1 - alpha)), np.uint8)


def tinted(picture: UInt8, seed: int = 1) -> UInt8:
    coarse = np.random.default_rng(seed).integers(-16, 17, (6, 6, 3)).astype(np.float32)
    change = cv2.resize(coarse, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.clip(picture + change, 0, 255), np.uint8)


def far(picture: UInt8) -> NDArray[np.float32]:
    """Average the linear light of four by four pixels: the same print from four times as far."""
    return np.asarray(to_light(picture).reshape(SIDE, 4, SIDE, 4, 3).mean(axis=(1, 3)), np.float32)


@pytest.mark.parametrize("covers", [False, True])
def test_on_itself_in_its_own_light_the_changed_picture_comes_out(covers: bool) -> None:
    clean = stop(FINE)
    changed = tinted(clean)
    shown = blended(to_levels(far(clean)), clean, changed, BOX, PLAIN, covers=covers)
    assert np.abs(shown.astype(int) - to_levels(far(changed))).max() <= 1


@pytest.mark.parametrize("covers", [False, True])
def test_without_a_change_the_frame_stays_to_the_last_bit(covers: bool) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (120, 140, 3), dtype=np.uint8)
    corners = np.array([[20, 25], [90, 18], [95, 90], [15, 96]], np.float64)
    assert np.array_equal(blended(frame, stop(), stop(), corners, PLAIN, covers=covers), frame)


def test_a_change_stays_where_it_was_made() -> None:
    frame, clean = np.full((120, 140, 3), 90, np.uint8), stop(FINE)
    changed = clean.copy()
    changed[:, FINE // 2 :] = (0, 0, 255)  # the right half
    corners = np.array([[20, 20], [116, 20], [116, 116], [20, 116]], np.float64)
    moved = (blended(frame, clean, changed, corners, PLAIN, covers=True) != frame).any(axis=2)
    assert moved[20:116, 68:116].all()
    moved[20:116, 68:116] = False
    assert not moved.any()


def test_the_light_of_a_frame_is_found_and_shown_on_the_change() -> None:
    """A frame whose linear light is gain * print + veil: what is blended in equals the changed print in that light."""
    clean = stop(FINE)
    gain, veil = np.array([0.5, 0.7, 0.4], np.float32), np.array([0.02, 0.05, 0.1], np.float32)
    frame = to_levels(gain * far(clean) + veil)
    light = light_of(frame, clean, BOX)
    assert np.abs(light.gain - gain).max() < 0.01
    assert np.abs(light.veil - veil).max() < 0.005
    changed = tinted(clean)
    wanted = to_levels(gain * far(changed) + veil).astype(int)
    for covers in (False, True):
        assert np.abs(blended(frame, clean, changed, BOX, light, covers=covers) - wanted).max() <= 2


def test_a_sign_without_contrast_still_shows_something() -> None:
    light = light_of(np.full((SIDE, SIDE, 3), 60, np.uint8), stop(), BOX)
    assert (light.gain == np.float32(0.05)).all()
    flat = np.full((SIDE, SIDE, 3), 60, np.uint8)
    assert (light_of(stop(), flat, BOX).gain == 1).all()  # nothing to fit: as it is


def test_in_perspective_it_equals_the_changed_sign_filmed_there() -> None:
    """The oracle is another renderer: the virtual camera's, which pastes pictures in perspective."""
    clean, changed = stop(192), tinted(stop(192))
    corners = np.array([[30, 22], [108, 34], [104, 112], [26, 104]], np.float64)
    street = np.full((140, 150, 3), 120, np.uint8)
    frame, wanted = street.copy(), street.copy()
    paste(frame, clean, corners)
    paste(wanted, changed, corners)
    shown = blended(frame, clean, changed, corners, PLAIN, covers=False)
    off = np.abs(shown.astype(int) - wanted)
    assert off.mean() < 0.5
    assert np.percentile(off, 99) <= 6  # the two kernels differ at edges
    assert np.abs(frame.astype(int) - wanted).mean() > 4 * off.mean()


def test_the_place_is_found_by_the_picture_and_not_only_by_its_box() -> None:
    sign = stop(160)
    truth = np.array([[33, 25], [110, 31], [107, 108], [30, 100]], np.float64)
    frame = np.full((140, 150, 3), 120, np.uint8)
    paste(frame, sign, truth)
    (left, top), (right, bottom) = truth.min(axis=0), truth.max(axis=0)
    box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    found = register(sign, frame, box)
    assert found.refined
    assert np.abs(box - truth).max() > 5
    assert np.abs(found.corners - truth).max() < 1.0


def test_a_place_that_cannot_be_found_is_the_box() -> None:
    box = np.array([[10, 10], [60, 10], [60, 60], [10, 60]], np.float32)
    flat = register(stop(), np.full((80, 80, 3), 50, np.uint8), box)
    assert not flat.refined
    noise = register(stop(), np.random.default_rng(3).integers(0, 256, (80, 80, 3), dtype=np.uint8), box)
    assert np.abs(noise.corners - box).max() <= 0.12 * 50 * 1.5
    assert np.array_equal(flat.corners, box)
