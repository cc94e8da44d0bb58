"""Endless training batches: photographs, mirrored photographs and drawn signs, from a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from examples.signs_augment import INPUT_PX, capture, paste, photograph
from examples.signs_data import STOP
from misread.assets import SIGN_LABELS
from misread.assets.draw import draw_sign
from misread.assets.glyphs import text
from misread.assets.scene import draw_background
from misread.assets.shapes import fill, octagon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from examples.signs_data import Photos

DRAWN_SHARE: Final = 0.22
DRAWN_STOP_SHARE: Final = 0.2
_DRAWN_PX: Final = 96
_MIRROR_PAIRS: Final = ((19, 20), (33, 34), (36, 37), (38, 39))
_SYMMETRIC: Final = (11, 12, 13, 15, 17, 18, 26, 30, 35)
#: Class after left-right mirroring, or -1.
MIRROR: Final = np.full(len(SIGN_LABELS), -1)
for _left, _right in _MIRROR_PAIRS:
    MIRROR[[_left, _right]] = _right, _left
for _same in _SYMMETRIC:
    MIRROR[_same] = _same


class Batches:
    """Draws batches of uint8 (n, 48, 48, 3) and labels (n,)."""

    def __init__(self, photos: Photos, rng: np.random.Generator) -> None:
        """Prepare drawn signs and backgrounds, and weigh classes by the square root of their size."""
        self._photos = photos
        self._rng = rng
        sizes = np.bincount(photos.labels, minlength=len(SIGN_LABELS)).astype(float)
        weights = np.maximum(sizes, 1) ** -0.5
        weights[STOP] *= 2.0
        chances = weights[photos.labels]
        self._chances = np.cumsum(chances / chances.sum())
        self._backgrounds = np.stack([draw_background((96, 96), rng) for _ in range(400)])
        self._signs = [[_premultiplied(draw_sign(label, _DRAWN_PX))] for label in SIGN_LABELS]
        self._signs[STOP] += [_stop_variant(rng) for _ in range(24)]

    def draw(self, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the next batch."""
        images = np.empty((count, INPUT_PX, INPUT_PX, 3), np.uint8)
        labels = np.empty(count, np.int64)
        for place in range(count):
            if self._rng.random() < DRAWN_SHARE:
                image, labels[place] = self._drawn()
            else:
                image, labels[place] = self._photo()
            images[place] = capture(image, self._rng)
        return images, labels

    def _photo(self) -> tuple[NDArray[np.float32], int]:
        index = int(np.searchsorted(self._chances, self._rng.random()))
        index = min(index, len(self._photos.labels) - 1)
        image, label = self._photos.images[index], int(self._photos.labels[index])
        if MIRROR[label] >= 0 and self._rng.random() < 0.5:
            image, label = np.ascontiguousarray(image[:, ::-1]), int(MIRROR[label])
        return photograph(image, self._rng), label

    def _drawn(self) -> tuple[NDArray[np.float32], int]:
        label = STOP if self._rng.random() < DRAWN_STOP_SHARE else int(self._rng.integers(len(SIGN_LABELS)))
        variants = self._signs[label]
        return paste(variants[int(self._rng.integers(len(variants)))], self._backgrounds, self._rng), label


def _premultiplied(sign: NDArray[np.uint8]) -> NDArray[np.float32]:
    straight: NDArray[np.float32] = sign.astype(np.float32) / np.float32(255)
    straight[..., :3] *= straight[..., 3:]
    return straight


def _stop_variant(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a stop sign of another country: edge, letters and red differ."""
    red = (int(rng.integers(150, 225)), int(rng.integers(10, 60)), int(rng.integers(15, 60)))
    layers = [fill(octagon(1), (245, 245, 245)), fill(octagon(float(rng.uniform(0.86, 0.97))), red)]
    if rng.random() < 0.2:
        layers.insert(1, fill(octagon(1), red))
    height, stretch = float(rng.uniform(0.5, 0.78)), float(rng.uniform(0.9, 1.15))
    layers += text("STOP", height, (245, 245, 245), stretch=min(stretch, 0.74 / height))
    canvas = np.zeros((_DRAWN_PX * 4, _DRAWN_PX * 4, 4), np.uint8)
    for layer in layers:
        contours = [np.round((c * 0.98 + 1) * _DRAWN_PX * 2 * 64 - 32).astype(np.int32) for c in layer.contours]
        cv2.fillPoly(canvas, contours, (*layer.colour, 255), cv2.LINE_8, 6)
    small = cv2.resize(_premultiplied(canvas), (_DRAWN_PX, _DRAWN_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)
