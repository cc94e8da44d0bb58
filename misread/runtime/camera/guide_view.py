"""What guided mode asks for, drawn into the live picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from misread.pixels import UInt8
    from misread.runtime.camera.guide import Prompt

_CELL: Final = 26  # Side of a cell in the picture, at a frame width of 960.
_DARK: Final = (24, 22, 20)
_EMPTY: Final = (70, 68, 66)
_FULL: Final = (90, 170, 70)
_WHITE: Final = (245, 245, 245)
_WANTED: Final = (60, 200, 250)


def draw_prompt(picture: UInt8, prompt: Prompt) -> None:
    """Draw the hint along the upper edge of a BGR picture and the grid below it on the left, in place.

    Rows are distances, near ones at the bottom where the camera is; columns are angles. A cell fills up from below, the
    one asked for has a yellow frame, and the board is a white dot.
    """
    scale = max(picture.shape[1] / 960, 0.5)
    line, cell = round(34 * scale), round(_CELL * scale)
    picture[:line] = _DARK
    at = (round(12 * scale), round(line * 0.68))
    cv2.putText(picture, prompt.text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.62 * scale, _WANTED, 1, cv2.LINE_AA)
    left, rows = at[0], len(prompt.filled)
    for row, shares in enumerate(prompt.filled):
        for column, share in enumerate(shares):
            corner = np.array([left + column * cell, line + (rows - row) * cell])  # lower left
            _fill(picture, corner, cell, 1.0, _EMPTY)
            _fill(picture, corner, cell, share, _FULL)
            low, high = corner + np.array([1, 1 - cell]), corner + np.array([cell - 2, -2])
            if prompt.wanted == (row, column):
                cv2.rectangle(picture, low.tolist(), high.tolist(), _WANTED, max(round(2 * scale), 1))
            if prompt.here == (row, column):
                middle = ((low + high) // 2).tolist()
                cv2.circle(picture, middle, max(cell // 6, 2), _WHITE, -1, cv2.LINE_AA)


def _fill(picture: UInt8, corner: np.ndarray, cell: int, share: float, colour: tuple[int, int, int]) -> None:
    height = round((cell - 2) * share)
    x, y = (int(value) for value in corner)
    picture[max(y - 1 - height, 0) : y - 1, x + 1 : x + cell - 1] = colour
