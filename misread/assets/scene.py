"""Street scenes drawn from a generator: a sign on its pole in perspective, in some weather, through some camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.assets.backdrop import draw_background, soft_noise
from misread.assets.draw import draw_sign
from misread.assets.weather import WEATHERS, Weather
from misread.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scene", "draw_background", "draw_scene"]

MIN_SIZE_PX: Final = 48
MAX_SIZE_PX: Final = 1024
_OVERSAMPLING: Final = 2
_POLE: Final = (146, 150, 154)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A drawn picture of one sign.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        label: What the sign says.
        corners: (4, 2) float32, x and y in pixels of the sign's square: top left, top right, bottom right, bottom left.
            Pixel centres are at whole numbers.
    """

    image: NDArray[np.uint8]
    label: str
    corners: NDArray[np.float32]


def draw_scene(label: str, rng: np.random.Generator, size_px: int = 192, *, weather: str | None = None) -> Scene:
    """Draw a sign in the street; it fills about three quarters of the picture.

    Args:
        label: One of `misread.assets.draw.DRAWN`.
        rng: Source of all variation.
        size_px: Side of the picture, 48 to 1024.
        weather: One of `misread.assets.weather.WEATHERS`, or None for any.

    Raises:
        UnknownName: The label cannot be drawn.
        OptionError: The size is out of range, or there is no such weather.
    """
    if not MIN_SIZE_PX <= size_px <= MAX_SIZE_PX:
        message = f"size_px is the side of the scene, {MIN_SIZE_PX} to {MAX_SIZE_PX}, got {size_px}"
        raise OptionError(message)
    if weather is not None and weather not in WEATHERS:
        message = f"weather is one of {', '.join(WEATHERS)}, got {weather!r}"
        raise OptionError(message)
    kind = WEATHERS[weather or list(WEATHERS)[int(rng.integers(len(WEATHERS)))]]
    side = size_px * _OVERSAMPLING
    canvas = _backdrop(side, rng)
    corners = _pose(side, rng)
    _pole(canvas, corners, rng)
    _hang(canvas, draw_sign(label, side), corners, kind, rng)
    canvas = kind.veil(canvas, rng)
    seen = cv2.GaussianBlur(canvas, (0, 0), _OVERSAMPLING * float(rng.uniform(0.3, 0.75)))
    image = cv2.resize(seen, (size_px, size_px), interpolation=cv2.INTER_AREA)
    image = image + rng.normal(0, kind.grain, image.shape)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return Scene(image=pixels, label=label, corners=((corners + 0.5) / _OVERSAMPLING - 0.5).astype(np.float32))


def _backdrop(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    # A sign near the camera stands before part of the street, out of focus.
    street = draw_background((side * 3 // 2, side * 3 // 2), rng)
    left, top = (int(value) for value in rng.integers(0, side // 2, 2))
    part = street[top : top + side, left : left + side].astype(np.float32)
    return cv2.GaussianBlur(part, (0, 0), side * float(rng.uniform(0.004, 0.012))).astype(np.float32)


def _pose(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return where the corners of the sign's square fall: turned in space, seen from three of its sides away."""
    yaw, pitch, roll = np.deg2rad(rng.normal(0, (14, 6, 3)).clip((-28, -12, -7), (28, 12, 7)))
    turn_y = np.array([(np.cos(yaw), 0, np.sin(yaw)), (0, 1, 0), (-np.sin(yaw), 0, np.cos(yaw))])
    turn_x = np.array([(1, 0, 0), (0, np.cos(pitch), -np.sin(pitch)), (0, np.sin(pitch), np.cos(pitch))])
    turn_z = np.array([(np.cos(roll), -np.sin(roll), 0), (np.sin(roll), np.cos(roll), 0), (0, 0, 1)])
    square = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) @ (turn_z @ turn_x @ turn_y).T
    seen = square[:, :2] / (1 + square[:, 2:] / 6)
    share = float(rng.uniform(0.74, 0.84))
    seen *= share * side / float(np.ptp(seen, axis=0).max())
    middle = side / 2 + rng.uniform(-0.03, 0.03, 2) * side
    corners: NDArray[np.float32] = (seen - (seen.max(axis=0) + seen.min(axis=0)) / 2 + middle).astype(np.float32)
    return corners


def _pole(canvas: NDArray[np.float32], corners: NDArray[np.float32], rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    middle = corners.mean(axis=0)
    down = corners[2:].mean(axis=0) - middle
    half = side * 0.022
    light = float(rng.uniform(0.7, 1.1))
    for across in np.linspace(-1, 1, 9):
        x = float(middle[0] + across * half)
        foot = x + float(down[0] / max(down[1], 1)) * (side - float(middle[1]))
        # A round pole: bright a third of the way across, dark to both edges.
        shade = light * (1.1 - 0.34 * (across + 0.3) ** 2)
        ends = [(round(x * 16), round(float(middle[1]) * 16)), (round(foot * 16), side * 16)]
        colour = tuple(value * shade for value in _POLE)
        cv2.line(canvas, ends[0], ends[1], colour, max(1, round(half / 3)), cv2.LINE_8, 4)


def _hang(
    canvas: NDArray[np.float32],
    sign: NDArray[np.uint8],
    corners: NDArray[np.float32],
    weather: Weather,
    rng: np.random.Generator,
) -> None:
    side = canvas.shape[0]
    paint = sign.astype(np.float32)
    paint[..., 3] /= 255
    paint[..., :3] *= weather.on_sign(side, rng)
    paint[..., :3] += soft_noise((side, side), rng) * float(rng.uniform(1, 4))
    paint[..., :3] = np.clip(paint[..., :3], 0, 255) * paint[..., 3:]
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(square, corners)
    warped = cv2.warpPerspective(paint, matrix, (side, side), flags=cv2.INTER_LINEAR)
    # A thin dark edge where the plate turns away, and its soft shadow on what is near behind.
    cover = warped[..., 3:]
    nudge = np.array([(1, 0, 0.012 * side), (0, 1, 0.018 * side)], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(cover[..., 0], nudge, (side, side)), (0, 0), 0.012 * side)
    canvas *= 1 - 0.3 * shadow[..., None]
    canvas *= 1 - cover
    canvas += warped[..., :3]
