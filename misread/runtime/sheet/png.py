"""Pages as pictures for a screen. Needs no fpdf2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from misread.runtime.sheet.mark import Drawing, Fill

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.sheet.mark import Mark, Page


def picture_of(page: Page, px_per_mm: float) -> UInt8:
    """Paint a page as (h, w, 3) uint8 RGB."""
    size = (round(page.height * px_per_mm), round(page.width * px_per_mm), 3)
    picture = np.full(size, 255, np.uint8)
    for mark in page.marks:
        _paint(picture, mark, px_per_mm)
    return picture


def _paint(picture: UInt8, mark: Mark, px_per_mm: float) -> None:
    if isinstance(mark, Fill | Drawing):
        left, top, width, height = mark.box
        x, y = round(left * px_per_mm), round(top * px_per_mm)
        if isinstance(mark, Drawing):
            drawn = mark.draw(round(width * px_per_mm))
            picture[y : y + drawn.shape[0], x : x + drawn.shape[1]] = drawn
        else:
            right, bottom = round((left + width) * px_per_mm), round((top + height) * px_per_mm)
            picture[y:bottom, x:right] = mark.colour
    else:
        letters = mark.text.encode("ascii", "replace").decode("ascii")
        font = cv2.FONT_HERSHEY_SIMPLEX
        scale = cv2.getFontScaleFromHeight(font, max(round(mark.size_mm * 0.66 * px_per_mm), 1))
        place = (round(mark.left * px_per_mm), round(mark.base * px_per_mm))
        thick = max(round(px_per_mm * (0.4 if mark.bold else 0.25)), 1)
        cv2.putText(picture, letters, place, font, scale, (0, 0, 0), thick, cv2.LINE_AA)
