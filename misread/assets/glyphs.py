"""Digits and the letters of STOP as bands of even width, in the manner of road lettering."""

from __future__ import annotations

from typing import Final

import numpy as np

from misread.assets.shapes import Colour, Layer, Points, arc, points, ribbon

STROKE: Final = 0.155
TOP: Final = -0.4225
FOOT: Final = 0.4225
GAP: Final = 0.1


def _join(*parts: Points) -> Points:
    return np.concatenate(parts)


def _loop(x: float, y: float, rx: float, ry: float) -> tuple[Points, ...]:
    return ribbon(arc((x, y), (rx, ry), (0, 355)), STROKE, closed=True)


def _oval(half: float) -> tuple[Points, ...]:
    top, foot = arc((0, TOP + half), (half, half), (180, 360)), arc((0, FOOT - half), (half, half), (0, 180))
    return ribbon(_join(top, foot), STROKE, closed=True)


def _band(*parts: Points) -> tuple[Points, ...]:
    return ribbon(_join(*parts), STROKE)


#: Per character: width of its cell (of height 1), and its separately filled bands.
GLYPHS: Final[dict[str, tuple[float, tuple[tuple[Points, ...], ...]]]] = {
    "0": (0.56, (_oval(0.2),)),
    "1": (0.4, (_band(points((-0.17, -0.2), (0.06, TOP), (0.06, 0.5))),)),
    "2": (0.56, (_band(arc((0, TOP + 0.2), (0.2, 0.2), (185, 395)), points((-0.19, FOOT), (0.28, FOOT))),)),
    "3": (
        0.56,
        (
            _band(arc((-0.01, TOP + 0.19), (0.19, 0.19), (195, 450))),
            _band(arc((-0.01, 0.19), (0.21, 0.2325), (270, 525))),
        ),
    ),
    "4": (0.58, (_band(points((0.02, -0.5), (-0.2, 0.2), (0.29, 0.2))), _band(points((0.1, -0.05), (0.1, 0.5))))),
    "5": (
        0.56,
        (
            _band(
                points((0.24, TOP), (-0.16, TOP), (-0.18, -0.02)),
                arc((-0.01, 0.18), (0.21, 0.2425), (250, 525)),
            ),
        ),
    ),
    "6": (0.56, (_loop(0, 0.2, 0.2, 0.2225), _band(arc((0.13, 0.2), (0.33, 0.65), (180, 268))))),
    "7": (0.54, (_band(points((-0.27, TOP), (0.19, TOP), (-0.08, 0.5))),)),
    "8": (0.56, (_loop(0, TOP + 0.195, 0.18, 0.195), _loop(0, 0.195, 0.2, 0.2275))),
    "9": (0.56, (_loop(0, -0.2, 0.2, 0.2225), _band(arc((-0.13, -0.2), (0.33, 0.65), (0, 88))))),
    "S": (
        0.56,
        (
            _band(
                arc((0, TOP + 0.2125), (0.2, 0.2125), (-15, -262)),
                arc((0, FOOT - 0.2125), (0.205, 0.2125), (-82, 165)),
            ),
        ),
    ),
    "T": (0.54, (_band(points((-0.28, TOP), (0.28, TOP))), _band(points((0, TOP), (0, 0.5))))),
    "O": (0.58, (_oval(0.21),)),
    "P": (
        0.55,
        (
            _band(points((-0.18, 0.5), (-0.18, -0.5))),
            _band(
                points((-0.2, TOP), (0.0, TOP)), arc((0.02, -0.19), (0.2, 0.2325), (-85, 85)), points((-0.2, 0.0425))
            ),
        ),
    ),
}


def text(string: str, height: float, colour: Colour, *, stretch: float = 1.0) -> list[Layer]:
    """Return a word centred on the origin.

    Args:
        string: Characters of `GLYPHS`.
        height: Height of the letters.
        colour: RGB, 0 to 255.
        stretch: Factor on the width.

    """
    widths = [GLYPHS[character][0] for character in string]
    left = -(sum(widths) + GAP * (len(string) - 1)) / 2
    layers: list[Layer] = []
    for character, width in zip(string, widths, strict=True):
        for band in GLYPHS[character][1]:
            shifted = tuple(
                (contour + np.array([left + width / 2, 0])) * (height * stretch, height) for contour in band
            )
            layers.append(Layer(shifted, colour))
        left += width + GAP
    return layers
