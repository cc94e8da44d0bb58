"""The board as a picture, at print resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.runtime.board.layout import Layout

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.board.exhibit import Exhibit, Mark

PAPER: Final = 245
INK: Final = 18
MIN_SIDE_PX: Final = 120
MAX_SIDE_PX: Final = 8192


def draw_board(exhibit: Exhibit, side_px: int = 720, *, layout: Layout | None = None) -> UInt8:
    """Draw the board that carries an exhibit.

    The picture is enlarged by a cubic kernel, as a printer driver does, or reduced by area. A background exhibit is
    shown like any other; its picture just holds no sign.

    Args:
        exhibit: What hangs on the board.
        side_px: Side of the drawing, 120 to 8192.
        layout: Where things are.

    Returns:
        (side_px, side_px, 3) uint8 RGB.

    Raises:
        OptionError: `side_px` is out of range.

    """
    if not MIN_SIDE_PX <= side_px <= MAX_SIDE_PX:
        message = f"side_px is {MIN_SIDE_PX} to {MAX_SIDE_PX}, got {side_px}"
        raise OptionError(message)
    layout = layout or Layout()
    board = np.full((side_px, side_px, 3), PAPER, np.uint8)
    for mark, corners in layout.markers(exhibit.index).items():
        left, top, right, bottom = _box(corners, side_px)
        bits = marker_bits(mark)
        marker = cv2.resize(bits, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        board[top:bottom, left:right] = np.where(marker > 0, PAPER, INK)[..., None]
    left, top, right, bottom = _box(layout.picture_corners(exhibit.aspect), side_px)
    width, height = right - left, bottom - top
    shrinks = exhibit.image.shape[1] > width
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    board[top:bottom, left:right] = cv2.resize(exhibit.image, (width, height), interpolation=kernel)
    return board


def marker_bits(mark: Mark) -> UInt8:
    """Draw a marker with one pixel to a module, its black border included: 0 is ink, 255 paper."""
    dictionary, marker = mark
    known = cv2.aruco.getPredefinedDictionary(dictionary)
    return np.asarray(cv2.aruco.generateImageMarker(known, marker, known.markerSize + 2, borderBits=1), np.uint8)


def _box(corners: np.ndarray, side_px: int) -> tuple[int, int, int, int]:
    left, top = np.rint(corners[0] * side_px).astype(int)
    right, bottom = np.rint(corners[2] * side_px).astype(int)
    return int(left), int(top), max(int(right), int(left) + 1), max(int(bottom), int(top) + 1)
