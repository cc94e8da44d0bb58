"""The table of signs: label -> filled contours, from the back to the front."""

from __future__ import annotations

from typing import Final

from misread.assets.glyphs import text
from misread.assets.pictograms import (
    BLACK,
    RED,
    WARNINGS,
    WHITE,
    ahead,
    ahead_or,
    car,
    keep,
    lorry,
    lorry_behind,
    pair,
    roundabout,
    turn,
)
from misread.assets.shapes import Colour, Layer, box, circle, fill, moved, octagon, points, ring, rounded, stroke

BLUE: Final[Colour] = (10, 84, 162)
YELLOW: Final[Colour] = (250, 188, 10)
GREY: Final[Colour] = (120, 122, 124)


def _stop() -> list[Layer]:
    return [
        fill(octagon(1), WHITE),
        fill(octagon(0.93), RED),
        *text("STOP", 0.68, WHITE, stretch=1.02),
    ]


def _forbidden(*content: Layer, inner: float = 0.76) -> list[Layer]:
    return [fill(circle(1), RED), fill(circle(inner), WHITE), *content]


def _limit(number: str) -> list[Layer]:
    height, stretch = (0.82, 1.0) if len(number) == 2 else (0.76, 0.84)
    return _forbidden(*text(number, height, BLACK, stretch=stretch), inner=0.78)


def _warning(content: list[Layer]) -> list[Layer]:
    edge = points((-1.04, 0.86), (0, -0.94), (1.04, 0.86))
    middle = (0.0, 0.26)
    inner = (edge - middle) * 0.66 + middle
    return [fill(rounded(edge, 0.2), RED), fill(rounded(inner, 0.08), WHITE), *moved(content, 0.42, 0, 0.34)]


def _give_way() -> list[Layer]:
    edge = points((-1.04, -0.86), (1.04, -0.86), (0, 0.94))
    middle = (0.0, -0.26)
    return [fill(rounded(edge, 0.2), RED), fill(rounded((edge - middle) * 0.64 + middle, 0.08), WHITE)]


def _priority() -> list[Layer]:
    diamond = points((-1, 0), (0, -1), (1, 0), (0, 1))
    edge = fill(rounded(diamond * 1.06, 0.2), BLACK)
    return [edge, fill(rounded(diamond * 1.0, 0.18), WHITE), fill(rounded(diamond * 0.68, 0.08), YELLOW)]


def _no_entry() -> list[Layer]:
    return [fill(circle(1), WHITE), fill(circle(0.96), RED), fill(box(-0.74, -0.19, 0.74, 0.19), WHITE)]


def _mandatory(content: list[Layer], size: float = 0.66) -> list[Layer]:
    return [fill(circle(1), WHITE), fill(circle(0.95), BLUE), *moved(content, size)]


def _end(*content: Layer) -> list[Layer]:
    bars = []
    for offset in (-0.24, -0.12, 0.0, 0.12, 0.24):
        reach = (0.94**2 - offset**2 / 2) ** 0.5 / 2**0.5
        shift = offset / 2
        line = points((-reach + shift, reach + shift), (reach + shift, -reach + shift))
        bars.append(stroke(line, 0.05, BLACK))
    return [fill(circle(1), WHITE), ring(0.97, 0.93, GREY), *content, *bars]


RECIPES: Final[dict[str, list[Layer]]] = {
    **{f"Speed limit {number}": _limit(str(number)) for number in (20, 30, 50, 60, 70, 80, 100, 120)},
    "End of speed limit 80": _end(*text("80", 0.82, GREY)),
    "No overtaking": _forbidden(*moved(pair(car(RED), car(BLACK)), 0.68)),
    "No overtaking by lorries": _forbidden(*moved(pair(lorry_behind(RED), car(BLACK)), 0.68)),
    "Priority road": _priority(),
    "Give way": _give_way(),
    "Stop": _stop(),
    "No vehicles": _forbidden(),
    "No lorries": _forbidden(*moved(lorry(), 0.58)),
    "No entry": _no_entry(),
    **{label: _warning(content()) for label, content in WARNINGS.items()},
    "End of all restrictions": _end(),
    "Turn right ahead": _mandatory(turn(1, WHITE)),
    "Turn left ahead": _mandatory(turn(-1, WHITE)),
    "Ahead only": _mandatory(ahead(WHITE), 0.76),
    "Straight or right": _mandatory(ahead_or(1, WHITE), 0.72),
    "Straight or left": _mandatory(ahead_or(-1, WHITE), 0.72),
    "Keep right": _mandatory(keep(1, WHITE), 0.74),
    "Keep left": _mandatory(keep(-1, WHITE), 0.74),
    "Roundabout": _mandatory(roundabout(WHITE), 0.8),
    "End of no overtaking": _end(*moved(pair(car(GREY), car(GREY)), 0.68)),
    "End of no overtaking by lorries": _end(*moved(pair(lorry_behind(GREY), car(GREY)), 0.68)),
}
