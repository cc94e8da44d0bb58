"""What stands on the signs: people, vehicles and arrows, each in a square from -1 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from misread.assets.shapes import Colour, Layer, arc, arrow, box, circle, fill, moved, points, ring, rounded, stroke

if TYPE_CHECKING:
    from collections.abc import Callable

BLACK: Final[Colour] = (22, 22, 24)
RED: Final[Colour] = (196, 20, 32)
YELLOW: Final[Colour] = (250, 190, 20)
GREEN: Final[Colour] = (20, 140, 80)
WHITE: Final[Colour] = (246, 246, 244)


def person(colour: Colour = BLACK) -> list[Layer]:
    """Return someone walking to the left."""
    return [
        fill(circle(0.17, -0.02, -0.82), colour),
        fill(rounded(points((-0.2, -0.6), (0.2, -0.6), (0.17, 0.15), (-0.17, 0.15)), 0.1), colour),
        stroke(points((-0.08, 0.05), (-0.2, 0.5), (-0.42, 0.98)), 0.17, colour),
        stroke(points((0.08, 0.05), (0.17, 0.48), (0.42, 0.95)), 0.17, colour),
        stroke(points((-0.13, -0.52), (-0.34, -0.2), (-0.5, 0.1)), 0.13, colour),
        stroke(points((0.13, -0.52), (0.34, -0.22), (0.42, 0.1)), 0.13, colour),
    ]


def pedestrian() -> list[Layer]:
    """Return a person on a zebra crossing."""
    stripes = [
        fill(points((x - 0.1, 0.78), (x + 0.1, 0.78), (x + 0.16, 1), (x - 0.16, 1)), BLACK) for x in (-0.8, 0, 0.8)
    ]
    return [*moved(person(), 0.92, 0, -0.12), *stripes]


def children() -> list[Layer]:
    """Return two children, hand in hand."""
    return [*moved(person(), (0.85, 0.95), -0.4), *moved(person(), (0.8, 0.75), 0.42, 0.2)]


def bicycle() -> list[Layer]:
    """Return a bicycle seen from the side."""
    frame = [
        points((-0.58, 0.4), (-0.3, -0.2), (0.3, -0.2), (0.0, 0.4), (-0.3, -0.2)),
        points((0.6, 0.4), (0.22, -0.45), (0.42, -0.5)),
        points((0.0, 0.4), (-0.58, 0.4)),
        points((-0.48, -0.3), (-0.16, -0.3)),
    ]
    wheels = [moved([ring(0.4, 0.3, BLACK)], 1, x, 0.4)[0] for x in (-0.58, 0.6)]
    return [*wheels, *(stroke(line, 0.1, BLACK) for line in frame)]


def car(colour: Colour) -> list[Layer]:
    """Return a car seen from behind."""
    return [
        fill(rounded(points((-0.55, -0.1), (-0.34, -0.62), (0.34, -0.62), (0.55, -0.1)), 0.12), colour),
        fill(rounded(box(-0.7, -0.16, 0.7, 0.42), 0.14), colour),
        fill(box(-0.62, 0.3, -0.34, 0.66), colour),
        fill(box(0.34, 0.3, 0.62, 0.66), colour),
        fill(points((-0.36, -0.16), (-0.24, -0.46), (0.24, -0.46), (0.36, -0.16)), WHITE),
        fill(circle(0.08, -0.48, 0.1), WHITE),
        fill(circle(0.08, 0.48, 0.1), WHITE),
    ]


def lorry_behind(colour: Colour) -> list[Layer]:
    """Return a lorry seen from behind."""
    return [
        fill(box(-0.6, -0.95, 0.6, 0.4), colour),
        fill(box(-0.55, 0.3, -0.25, 0.66), colour),
        fill(box(0.25, 0.3, 0.55, 0.66), colour),
    ]


def lorry() -> list[Layer]:
    """Return a lorry seen from the side, heading left."""
    return [
        fill(box(-0.3, -0.5, 1.0, 0.32), BLACK),
        fill(points((-0.38, 0.32), (-0.38, -0.3), (-0.7, -0.3), (-0.92, 0.0), (-0.98, 0.32)), BLACK),
        fill(points((-0.5, -0.04), (-0.5, -0.2), (-0.68, -0.2), (-0.78, -0.04)), WHITE),
        *(
            fill(circle(radius, x, 0.36), colour)
            for x in (-0.66, 0.62)
            for radius, colour in ((0.25, WHITE), (0.2, BLACK))
        ),
    ]


def pair(left: list[Layer], right: list[Layer]) -> list[Layer]:
    """Return two vehicles side by side."""
    return [*moved(left, 0.6, -0.5), *moved(right, 0.6, 0.5)]


def exclamation() -> list[Layer]:
    """Return an exclamation mark."""
    bar = rounded(points((-0.2, -0.95), (0.2, -0.95), (0.1, 0.42), (-0.1, 0.42)), 0.06)
    return [fill(bar, BLACK), fill(circle(0.19, 0, 0.78), BLACK)]


def crossing() -> list[Layer]:
    """Return the thick arrow across a thin road."""
    return [
        fill(box(-0.15, -0.5, 0.15, 1), BLACK),
        fill(points((-0.36, -0.42), (0, -1), (0.36, -0.42)), BLACK),
        fill(box(-0.55, 0.12, 0.55, 0.34), BLACK),
    ]


def curve(side: float) -> list[Layer]:
    """Return an arrow that bends to one side (-1 is left)."""
    line = points((0.28, 1), (0.28, 0.35), (0.18, 0.05), (-0.12, -0.25))
    return moved(arrow(line, 0.28, 0.52, BLACK), (-side, 1))


def double_curve() -> list[Layer]:
    """Return an arrow that bends left, then right."""
    return arrow(points((0.15, 1), (0.15, 0.65), (-0.25, 0.2), (0.2, -0.15), (0.02, -0.42)), 0.24, 0.5, BLACK)


def bumps() -> list[Layer]:
    """Return an uneven road."""
    humps = [fill(np.concatenate([arc((x, 0.7), (0.42, 0.62), (180, 360))]), BLACK) for x in (-0.45, 0.45)]
    return [*humps, fill(box(-1.05, 0.6, 1.05, 0.84), BLACK)]


def skid() -> list[Layer]:
    """Return a car that leaves winding tracks."""
    body = [
        fill(rounded(points((-0.75, 0.02), (-0.55, -0.36), (0.65, -0.12), (0.72, 0.3)), 0.1), BLACK),
        fill(points((-0.42, -0.3), (-0.2, -0.66), (0.3, -0.56), (0.42, -0.14)), BLACK),
        fill(circle(0.14, -0.45, 0.12), BLACK),
        fill(circle(0.14, 0.4, 0.3), BLACK),
    ]
    track = points((-0.4, 0.32), (-0.55, 0.5), (-0.25, 0.7), (-0.45, 0.98))
    return [*moved(body, 1, 0, -0.15), stroke(track, 0.12, BLACK), stroke(track + np.array([0.8, 0.12]), 0.12, BLACK)]


def narrow() -> list[Layer]:
    """Return a road whose right edge bends in."""
    right = points((0.42, 1), (0.42, 0.45), (0.12, 0.05), (0.12, -0.75))
    return [stroke(points((-0.32, 1), (-0.32, -0.75)), 0.2, BLACK), stroke(right, 0.2, BLACK)]


def digger() -> list[Layer]:
    """Return someone with a shovel beside a heap."""
    return [
        fill(circle(0.17, 0.02, -0.8), BLACK),
        stroke(points((0.02, -0.6), (0.2, 0.12)), 0.34, BLACK),
        stroke(points((0.16, 0.05), (-0.05, 0.45), (0.0, 1)), 0.18, BLACK),
        stroke(points((0.22, 0.05), (0.42, 0.5), (0.55, 1)), 0.18, BLACK),
        stroke(points((0.0, -0.5), (-0.28, -0.1), (-0.35, 0.1)), 0.14, BLACK),
        stroke(points((0.25, -0.2), (-0.62, 0.62)), 0.09, BLACK),
        fill(arc((-0.72, 1), (0.42, 0.45), (180, 360)), BLACK),
    ]


def lights() -> list[Layer]:
    """Return a traffic light."""
    lamps = [fill(circle(0.25, 0, y), colour) for y, colour in ((-0.66, RED), (0.06, YELLOW), (0.78, GREEN))]
    return [fill(rounded(box(-0.34, -1, 0.34, 1.12), 0.1), BLACK), *lamps]


def snowflake() -> list[Layer]:
    """Return a crystal of ice."""
    arm = [points((0, 0), (0, -0.95)), points((-0.25, -0.85), (0, -0.55), (0.25, -0.85))]
    layers = []
    for degrees in range(0, 360, 60):
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turn = np.array([[cos, sin], [-sin, cos]])
        layers += [stroke(line @ turn, 0.13, BLACK) for line in arm]
    return layers


def deer() -> list[Layer]:
    """Return a deer that leaps to the left."""
    return [
        fill(points((-0.6, -0.3), (-0.25, -0.25), (0.55, 0.12), (0.7, 0.35), (0.3, 0.4), (-0.35, 0.28)), BLACK),
        stroke(points((-0.42, 0.0), (-0.62, -0.5)), 0.26, BLACK),
        fill(points((-1.0, -0.45), (-0.58, -0.74), (-0.42, -0.5), (-0.6, -0.4)), BLACK),
        stroke(points((-0.55, -0.65), (-0.35, -0.8), (-0.4, -1.05)), 0.08, BLACK),
        stroke(points((-0.38, 0.2), (-0.75, 0.35), (-0.95, 0.25)), 0.12, BLACK),
        stroke(points((-0.3, 0.2), (-0.6, 0.55), (-0.85, 0.6)), 0.12, BLACK),
        stroke(points((0.55, 0.25), (0.62, 0.65), (0.95, 1.0)), 0.14, BLACK),
        stroke(points((0.45, 0.3), (0.38, 0.7), (0.65, 1.05)), 0.14, BLACK),
    ]


def turn(side: float, colour: Colour) -> list[Layer]:
    """Return an arrow that rises and turns to one side (-1 is left)."""
    bend = arc((0.2, 0.2), (0.5, 0.5), (180, 270))
    line = np.concatenate([points((-0.3, 1)), bend, points((0.35, -0.3))])
    return moved(arrow(line, 0.3, 0.5, colour), (side, 1))


def ahead(colour: Colour) -> list[Layer]:
    """Return an arrow that points up."""
    return arrow(points((0, 1), (0, -0.35)), 0.3, 0.6, colour)


def ahead_or(side: float, colour: Colour) -> list[Layer]:
    """Return a forked arrow: up, or to one side (-1 is left)."""
    up = arrow(points((-0.2, 1), (-0.2, -0.5)), 0.26, 0.46, colour)
    branch = arrow(points((-0.2, 0.6), (-0.12, 0.25), (0.1, 0.12), (0.38, 0.12)), 0.24, 0.46, colour)
    return moved([*up, *branch], (side, 1))


def keep(side: float, colour: Colour) -> list[Layer]:
    """Return an arrow that points down to one side (-1 is left)."""
    return moved(arrow(points((-0.65, -0.65), (0.28, 0.28)), 0.3, 0.58, colour), (side, 1))


def roundabout(colour: Colour) -> list[Layer]:
    """Return three arrows that chase each other anticlockwise."""
    layers: list[Layer] = []
    for start in (-40, 80, 200):
        layers += arrow(arc((0, 0), (0.68, 0.68), (start, start - 70)), 0.26, 0.44, colour)
    return layers


WARNINGS: Final[dict[str, Callable[[], list[Layer]]]] = {
    "Right of way at next crossing": crossing,
    "General danger": exclamation,
    "Curve left": lambda: curve(-1),
    "Curve right": lambda: curve(1),
    "Double curve": double_curve,
    "Uneven road": bumps,
    "Slippery road": skid,
    "Road narrows on the right": narrow,
    "Road works": digger,
    "Traffic signals": lights,
    "Pedestrians": pedestrian,
    "Children crossing": children,
    "Cyclists crossing": bicycle,
    "Ice or snow": snowflake,
    "Wild animals crossing": deer,
}
