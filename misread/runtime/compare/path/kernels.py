"""Resize kernels that no card names and that code in the field uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.resample import resize

if TYPE_CHECKING:
    from misread.card import ModelCard

UInt8 = NDArray[np.uint8]

LANCZOS: Final = "lanczos, antialiased"
_OPENCV: Final = {"OpenCV's INTER_NEAREST": cv2.INTER_NEAREST, "OpenCV's INTER_LANCZOS4": cv2.INTER_LANCZOS4}
KERNELS: Final = (LANCZOS, *_OPENCV)
_REACH: Final = 3.0


def resize_by(image: UInt8, size_hw: tuple[int, int], kernel: str, card: ModelCard) -> UInt8:
    """Resize (h, w, 3) uint8 by one of `KERNELS`, or by the card's own kernel where `kernel` is empty."""
    if not kernel:
        return resize(image, size_hw, interpolation=card.interpolation, antialias=card.antialias)
    if kernel in _OPENCV:
        resized: UInt8 = cv2.resize(image, size_hw[::-1], interpolation=_OPENCV[kernel]).astype(np.uint8, copy=False)
        return resized
    rows, columns = _lanczos(image.shape[0], size_hw[0]), _lanczos(image.shape[1], size_hw[1])
    wide = np.clip(np.einsum("ow,hwc->hoc", columns, image.astype(np.float32), optimize=True), 0, 255)
    both = np.einsum("oh,hwc->owc", rows, wide, optimize=True)
    levels: UInt8 = np.clip(np.floor(both + 0.5), 0, 255).astype(np.uint8)
    return levels


def _lanczos(size_in: int, size_out: int) -> NDArray[np.float32]:
    """Return the (size_out, size_in) matrix of Pillow's LANCZOS: three lobes, widened where the picture shrinks."""
    scale = size_in / size_out
    widen = max(scale, 1.0)
    centres = (np.arange(size_out) + 0.5) * scale
    x = (np.arange(size_in) + 0.5 - centres[:, None]) / widen
    weights = np.where(np.abs(x) < _REACH, np.sinc(x) * np.sinc(x / _REACH), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)
