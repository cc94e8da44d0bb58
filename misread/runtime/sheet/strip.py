"""The grey and colour strip under the board: what a camera makes of known levels.

Places are in shares of the board's side, as the board's own are, so whoever has found the markers knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Colour = tuple[int, int, int]
GREYS: Final[tuple[int, ...]] = (20, 65, 110, 155, 200, 245)
PATCHES: Final[tuple[Colour, ...]] = (
    *((level, level, level) for level in GREYS),
    (200, 40, 40),
    (40, 150, 70),
    (40, 70, 180),
    (235, 200, 40),
)
"""sRGB, from left to right: six greys from dark to light, then red, green, blue, yellow."""
TOP: Final = 1.03
HEIGHT: Final = 0.07


def patch_corners(number: int) -> NDArray[np.float32]:
    """Give the (4, 2) corners of a patch (top left, top right, bottom right, bottom left) in board shares."""
    width = 1 / len(PATCHES)
    left, right, bottom = number * width, (number + 1) * width, TOP + HEIGHT
    return np.array([[left, TOP], [right, TOP], [right, bottom], [left, bottom]], np.float32)
