"""Plane shapes as closed contours, in a square from -1 to 1 with y pointing down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

MITER_LIMIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Layer:
    """Contours filled in one colour by the even-odd rule, so that a contour inside another is a hole."""

    contours: tuple[Points, ...]
    colour: Colour

    def moved(self, scale: float | tuple[float, float], dx: float = 0.0, dy: float = 0.0) -> Layer:
        """Return the layer scaled about the origin, then shifted."""
        return Layer(tuple(contour * np.asarray(scale) + (dx, dy) for contour in self.contours), self.colour)


def moved(layers: Sequence[Layer], scale: float | tuple[float, float], dx: float = 0.0, dy: float = 0.0) -> list[Layer]:
    """Return all layers scaled about the origin, then shifted."""
    return [layer.moved(scale, dx, dy) for layer in layers]


def points(*pairs: tuple[float, float]) -> Points:
    """Return an (n, 2) array of x, y pairs."""
    return np.array(pairs, dtype=np.float64)


def arc(centre: tuple[float, float], radii: tuple[float, float], degrees: tuple[float, float]) -> Points:
    """Return points on an ellipse from one angle to another; 0 is right and 90 is down."""
    count = max(4, int(abs(degrees[1] - degrees[0]) / 5))
    angles = np.deg2rad(np.linspace(degrees[0], degrees[1], count))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1)


def circle(radius: float, x: float = 0.0, y: float = 0.0) -> Points:
    """Return a circle as a contour of 144 points."""
    angles = np.linspace(0, 2 * np.pi, 144, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def octagon(apothem: float) -> Points:
    """Return a regular octagon that stands on a side; `apothem` is half its height."""
    angles = np.deg2rad(22.5 + 45 * np.arange(8))
    corners: Points = apothem / np.cos(np.pi / 8) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corners


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """Return an upright rectangle."""
    return points((left, top), (right, top), (right, bottom), (left, bottom))


def rounded(corners: Points, radius: float) -> Points:
    """Return a polygon whose corners are cut `radius` away from each vertex and bent round."""
    bend: list[Points] = []
    t = np.linspace(0, 1, 9)[:, None]
    for before, corner, after in zip(np.roll(corners, 1, 0), corners, np.roll(corners, -1, 0), strict=True):
        start = corner + radius * (before - corner) / np.linalg.norm(before - corner)
        end = corner + radius * (after - corner) / np.linalg.norm(after - corner)
        bend.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.concatenate(bend)


def ribbon(line: Points, width: float, *, closed: bool = False) -> tuple[Points, ...]:
    """Return the outline of a line of the given width with flat ends and mitred bends."""
    ahead = np.roll(line, -1, 0) - line
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-12)
    behind = np.roll(ahead, 1, 0)
    if not closed:
        ahead[-1], behind[0] = behind[-1], ahead[0]
    tangent = ahead + behind
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    half_turn = np.clip(np.sum(tangent * ahead, axis=1, keepdims=True), 1 / MITER_LIMIT, 1)
    side = normal * (width / 2) / half_turn
    if closed:
        return line + side, line - side
    return (np.concatenate([line + side, (line - side)[::-1]]),)


def fill(contour: Points, colour: Colour) -> Layer:
    """Return one filled contour."""
    return Layer((contour,), colour)


def stroke(line: Points, width: float, colour: Colour, *, closed: bool = False) -> Layer:
    """Return a line of the given width."""
    return Layer(ribbon(line, width, closed=closed), colour)


def ring(outer: float, inner: float, colour: Colour) -> Layer:
    """Return a ring about the origin."""
    return Layer((circle(outer), circle(inner)), colour)


def arrow(line: Points, width: float, head: float, colour: Colour) -> list[Layer]:
    """Return a line that ends in an arrow head `head` long and twice as wide as half of that."""
    direction = line[-1] - line[-2]
    direction /= np.linalg.norm(direction)
    normal = np.array([-direction[1], direction[0]])
    base = line[-1]
    shaft = np.concatenate([line, (base + 0.1 * head * direction)[None]])
    tip = np.stack([base + 0.62 * head * normal, base + head * direction, base - 0.62 * head * normal])
    return [stroke(shaft, width, colour), fill(tip, colour)]
