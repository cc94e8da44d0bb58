"""Streets without a sign, drawn from a generator: sky, hills, houses, trees, road."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SKIES: Final = (
    ((88, 142, 208), (196, 216, 232)),
    ((120, 160, 205), (226, 228, 224)),
    ((150, 158, 168), (206, 208, 208)),
    ((112, 118, 128), (168, 172, 176)),
    ((70, 84, 132), (232, 178, 140)),
)
_WALLS: Final = ((206, 192, 168), (186, 160, 136), (212, 208, 202), (160, 112, 96), (172, 178, 184))
_LEAVES: Final = ((58, 96, 48), (84, 112, 52), (150, 116, 48), (48, 78, 54))


def draw_background(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a street without a sign.

    Args:
        size_hw: Height and width in pixels, each at least 8.
        rng: Source of all variation.

    Returns:
        (h, w, 3) uint8 RGB.

    """
    height, width = size_hw
    scale = max(height, width)
    horizon = float(rng.uniform(0.5, 0.8)) * height
    canvas = _sky(height, width, rng)
    if rng.random() < 0.6:
        _hills(canvas, horizon, rng)
    if rng.random() < 0.7:
        _houses(canvas, horizon, scale, rng)
    if rng.random() < 0.85:
        _trees(canvas, horizon, scale, rng)
    _ground(canvas, horizon, rng)
    canvas += soft_noise((height, width), rng) * float(rng.uniform(4, 12))
    blur = float(rng.uniform(0.002, 0.012)) * scale
    soft = cv2.GaussianBlur(canvas, (0, 0), max(blur, 0.3))
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def _sky(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    top, low = _SKIES[int(rng.integers(len(_SKIES)))]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.asarray(top, np.float32) * (1 - down) + np.asarray(low, np.float32) * down
    cloud = np.clip(soft_noise((height, width), rng), 0, None) * float(rng.uniform(0, 35))
    clouded: NDArray[np.float32] = np.clip(np.broadcast_to(sky, (height, width, 3)) + cloud, 0, 255)
    return clouded.astype(np.float32)


def _hills(canvas: NDArray[np.float32], horizon: float, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    xs = np.linspace(0, width, 24)
    phase = rng.uniform(0, 2 * np.pi, 3)
    wave = sum(np.sin(xs / width * 2 * np.pi * (k + 0.6) + phase[k]) / (k + 1.5) for k in range(3))
    ys = horizon - height * (0.1 + 0.06 * wave)
    outline = np.concatenate([np.stack([xs, ys], 1), [(width, height), (0, height)]])
    _polygon(canvas, outline, _shade((104, 124, 122), rng, 18))


def _houses(canvas: NDArray[np.float32], horizon: float, scale: int, rng: np.random.Generator) -> None:
    width = canvas.shape[1]
    x = float(rng.uniform(-0.3, 0.1)) * scale
    while x < width:
        wide, tall = rng.uniform(0.14, 0.34) * scale, rng.uniform(0.12, 0.4) * scale
        wall = _WALLS[int(rng.integers(len(_WALLS)))]
        _polygon(canvas, _rectangle(x, horizon - tall, x + wide, horizon + 0.05 * scale), _shade(wall, rng, 14))
        if rng.random() < 0.7:
            peak = horizon - tall - rng.uniform(0.05, 0.12) * scale
            roof = np.array([(x - 0.01 * scale, horizon - tall), (x + wide / 2, peak), (x + wide, horizon - tall)])
            _polygon(canvas, roof, _shade((122, 66, 54), rng, 22))
        _windows(canvas, (x, horizon - tall, wide, tall), scale, rng)
        x += wide + float(rng.uniform(0.0, 0.3)) * scale


def _windows(
    canvas: NDArray[np.float32], place: tuple[float, float, float, float], scale: int, rng: np.random.Generator
) -> None:
    left, top, wide, tall = place
    pane = 0.035 * scale
    glass = _shade((70, 84, 98), rng, 16)
    for x in np.arange(left + pane, left + wide - 1.4 * pane, 2.2 * pane):
        for y in np.arange(top + pane, top + tall - 1.6 * pane, 2.6 * pane):
            _polygon(canvas, _rectangle(x, y, x + pane, y + 1.5 * pane), glass)


def _trees(canvas: NDArray[np.float32], horizon: float, scale: int, rng: np.random.Generator) -> None:
    width = canvas.shape[1]
    leaf = _LEAVES[int(rng.integers(len(_LEAVES)))]
    for _ in range(int(rng.integers(1, 5))):
        x, size = float(rng.uniform(-0.1, 1.1)) * width, float(rng.uniform(0.1, 0.26)) * scale
        y = horizon - size * float(rng.uniform(0.9, 1.5))
        trunk = 0.09 * size
        _polygon(canvas, _rectangle(x - trunk, y, x + trunk, horizon + 0.02 * scale), _shade((74, 58, 44), rng, 8))
        for _ in range(34):
            angle, far = float(rng.uniform(0, 2 * np.pi)), size * float(rng.random()) ** 0.5
            spot = (x + far * np.cos(angle), y + 0.8 * far * np.sin(angle))
            lit = 16 * (spot[0] - x - spot[1] + y) / size
            colour = tuple(value + lit for value in _shade(leaf, rng, 12))
            _ellipse(canvas, spot, size * float(rng.uniform(0.14, 0.32)), colour)


def _ground(canvas: NDArray[np.float32], horizon: float, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    _polygon(canvas, _rectangle(0, horizon, width, height), _shade((96, 112, 70), rng, 16))
    vanish = float(rng.uniform(0.2, 0.8)) * width
    left, right = vanish - rng.uniform(0.5, 1.2) * width, vanish + rng.uniform(0.5, 1.2) * width
    narrow = 0.02 * width
    kerb = np.array([(vanish - 1.6 * narrow, horizon), (vanish + 1.6 * narrow, horizon), (right * 1.06, height)])
    kerb = np.concatenate([kerb, [(left - 0.06 * width, height)]])
    road = np.array([(vanish - narrow, horizon), (vanish + narrow, horizon), (right, height), (left, height)])
    _polygon(canvas, kerb, _shade((150, 148, 142), rng, 10))
    _polygon(canvas, road, _shade((92, 92, 96), rng, 12))
    middle = (left + right) / 2
    for near, far in ((0.9, 0.62), (0.5, 0.34), (0.27, 0.19)):
        ys = horizon + (height - horizon) * np.array([far, near])
        xs = vanish + (middle - vanish) * np.array([far, near])
        half = 0.014 * width * np.array([far, near])
        dash = np.array([(xs[0] - half[0], ys[0]), (xs[0] + half[0], ys[0]), (xs[1] + half[1], ys[1])])
        _polygon(canvas, np.concatenate([dash, [(xs[1] - half[1], ys[1])]]), (214, 212, 206))


def soft_noise(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (h, w, 1) smooth grey noise of several scales, about -2 to 2."""
    total = np.zeros((*size_hw, 1), np.float32)
    for cells, weight in ((3, 0.6), (7, 0.4), (17, 0.3), (43, 0.25)):
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        total[..., 0] += weight * cv2.resize(coarse, size_hw[::-1], interpolation=cv2.INTER_CUBIC)
    return total


def _shade(colour: tuple[int, int, int], rng: np.random.Generator, spread: float) -> tuple[float, ...]:
    light = float(rng.normal(0, spread))
    return tuple(float(value + light + tint) for value, tint in zip(colour, rng.normal(0, 4, 3), strict=True))


def _rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _polygon(canvas: NDArray[np.float32], corners: NDArray[np.float64], colour: tuple[float, ...]) -> None:
    cv2.fillPoly(canvas, [np.round(corners * 16).astype(np.int32)], colour, cv2.LINE_8, 4)


def _ellipse(
    canvas: NDArray[np.float32], centre: tuple[float, float], radius: float, colour: tuple[float, ...]
) -> None:
    middle = (round(centre[0] * 16), round(centre[1] * 16))
    cv2.circle(canvas, middle, max(1, round(radius * 16)), colour, -1, cv2.LINE_8, 4)
