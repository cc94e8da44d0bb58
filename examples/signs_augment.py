"""What happens to a sign between the street and the classifier: geometry, light, optics, sensor, codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.pixels import decode_image, encode_jpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUT_PX: Final = 48
BORDERS: Final = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE)


def view(source_px: int, sign_share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random homography from a square source to the input.

    Args:
        source_px: Side of the source; the sign stands in its middle.
        sign_share: Side of the sign over side of the source.
        rng: Source of all variation.

    """
    share = 1 / (1 + 2 * rng.uniform(-0.05, 0.25))
    side = INPUT_PX * share
    turn = np.deg2rad(np.clip(rng.normal(0, 6), -16, 16))
    stretch = np.exp(rng.normal(0, 0.06))
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (0.5 * side)
    square = square * (stretch, 1 / stretch)
    square = square @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    square += rng.normal(0, 0.035 * side, (4, 2)) * (rng.random() < 0.7)
    slack = 0.5 * (INPUT_PX - side) + 2.0
    square += INPUT_PX / 2 + np.clip(rng.normal(0, 0.5, 2), -1, 1) * max(slack, 2.0)
    half = 0.5 * sign_share * source_px
    middle = source_px / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)]) + middle
    half_pixel = np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(
        corners.astype(np.float32) - half_pixel, square.astype(np.float32) - half_pixel
    )
    return matrix.astype(np.float64)


def photograph(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a photograph (64, 64, 3) seen anew, (48, 48, 3) float32 in [0, 255]."""
    matrix = view(image.shape[0], 0.82, rng)
    border = BORDERS[int(rng.integers(2))]
    warped = cv2.warpPerspective(image, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=border)
    return warped.astype(np.float32)


def paste(sign: NDArray[np.float32], backgrounds: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a drawn sign, premultiplied RGBA (s, s, 4) in [0, 1], before some background, in [0, 255]."""
    matrix = view(sign.shape[0], 0.96, rng)
    warped = cv2.warpPerspective(sign, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_AREA)
    cover = warped[..., 3:]
    paint = warped[..., :3] * rng.normal(1, 0.08, 3).astype(np.float32)
    if rng.random() < 0.4:  # faded or grey film
        grey = paint.mean(axis=2, keepdims=True)
        paint += rng.uniform(0, 0.5) * (grey - paint)
    light = rng.uniform(0.6, 1.0)
    seen: NDArray[np.float32] = paint * 255 * light + ground(backgrounds, rng) * (1 - cover)
    return seen


def ground(backgrounds: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return something to stand before: part of a street, a sheet of some colour, or coarse noise."""
    kind = rng.random()
    if kind < 0.55:
        scene = backgrounds[int(rng.integers(len(backgrounds)))]
        side = int(rng.integers(24, scene.shape[0]))
        y, x = rng.integers(0, scene.shape[0] - side + 1, 2)
        part = scene[y : y + side, x : x + side]
        seen = cv2.resize(part, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR)
        return np.asarray(seen, np.float32)
    if kind < 0.85:
        sheet = rng.uniform(0, 255, 3) if rng.random() < 0.4 else np.full(3, rng.uniform(40, 255))
        plain: NDArray[np.float32] = np.broadcast_to(sheet.astype(np.float32), (INPUT_PX, INPUT_PX, 3))
        return plain
    cells = int(rng.integers(2, 12))
    coarse = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
    return cv2.resize(coarse, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def capture(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture after far sight, blur, light, noise and codec, as uint8."""
    if rng.random() < 0.25:
        image = image * _shadow(rng)
    image = _tone(image, rng)
    if rng.random() < 0.45:
        small = int(rng.integers(14, 36))
        far = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        how = cv2.INTER_LINEAR if rng.random() < 0.8 else cv2.INTER_CUBIC
        image = cv2.resize(far, (INPUT_PX, INPUT_PX), interpolation=how).astype(np.float32)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)).astype(np.float32)
    if rng.random() < 0.15:
        image = cv2.filter2D(image, -1, _motion(rng)).astype(np.float32)
    if rng.random() < 0.5:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image = image + noise * np.float32(abs(rng.normal(0, 8)) * (0.3 + image.mean() / 255))
    if rng.random() < 0.12:
        image = _cover(image, rng)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        pixels = decode_image(encode_jpeg(pixels, int(rng.integers(25, 90))), "a training picture")
    return pixels


def _tone(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gain = np.exp(np.clip(rng.normal(0, 0.35), -1.1, 0.9))
    cast = np.exp(rng.normal(0, 0.08 if rng.random() < 0.9 else 0.3, 3)).astype(np.float32)
    image = np.clip(image, 0, 255) * (cast * np.float32(gain))
    if rng.random() < 0.5:
        gamma = float(np.exp(rng.normal(0, 0.2)))
        image = 255 * np.power(np.clip(image, 0, 255) / 255, gamma)
    if rng.random() < 0.5:
        contrast = np.exp(rng.normal(0, 0.25))
        middle = image.mean()
        image = middle + np.float32(contrast) * (image - middle)
    if rng.random() < 0.2:
        image = image + np.float32(rng.uniform(0, 60))
    if rng.random() < 0.2:
        grey = image.mean(axis=2, keepdims=True)
        image = image + np.float32(rng.uniform(-0.4, 0.8)) * (grey - image)
    return np.clip(image, 0, 255).astype(np.float32)


def _shadow(rng: np.random.Generator) -> NDArray[np.float32]:
    corners = rng.uniform(0.35, 1.1, (2, 2)).astype(np.float32)
    side = int(rng.choice([INPUT_PX, INPUT_PX // 4]))
    smooth = cv2.resize(corners, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
        y, x = np.mgrid[-0.5 : 0.5 : side * 1j, -0.5 : 0.5 : side * 1j]
        smooth = np.where(
            x * np.cos(angle) + y * np.sin(angle) > offset, smooth, smooth * np.float32(rng.uniform(0.4, 0.9))
        )
    shadow = cv2.resize(smooth.astype(np.float32), (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR)
    return shadow.astype(np.float32)[..., None]


def _motion(rng: np.random.Generator) -> NDArray[np.float32]:
    size, angle = 7, rng.uniform(0, np.pi)
    half = rng.uniform(1, 3)
    kernel = np.zeros((size, size), np.float32)
    for step in np.linspace(-half, half, 15):
        x, y = 3 + step * np.cos(angle), 3 + step * np.sin(angle)
        kernel[round(y), round(x)] += 1
    kernel /= kernel.sum()
    return kernel


def _cover(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    covered = image.copy()
    wide, tall = rng.integers(4, 13, 2)
    x, y = int(rng.integers(0, INPUT_PX - wide)), int(rng.integers(0, INPUT_PX - tall))
    covered[y : y + tall, x : x + wide] = rng.uniform(0, 255, 3)
    return covered
