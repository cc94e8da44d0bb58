"""The clock in the picture survives a codec or tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from benchmarks.clock import BITS, SQUARE_PX, paint, read

if TYPE_CHECKING:
    from misread.pixels import UInt8


@pytest.fixture
def scene() -> UInt8:
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


@pytest.mark.parametrize("number", [0, 1, 12345, 2**BITS - 1])
def test_the_number_survives_a_rough_codec(scene: UInt8, number: int) -> None:
    coded = cv2.imencode(".jpg", paint(scene, number), [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    assert read(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)) == number


def test_a_spoilt_picture_tells_nothing(scene: UInt8) -> None:
    painted = paint(scene, 5)
    painted[SQUARE_PX : 2 * SQUARE_PX, :SQUARE_PX] = painted[:SQUARE_PX, :SQUARE_PX]
    assert read(painted) is None
