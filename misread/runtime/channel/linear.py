"""Between 8-bit levels and linear light, by tables."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

_STEPS: Final = 16_384  # Near black a level is 1/3295 of full light.


def to_light(image: UInt8) -> NDArray[np.float32]:
    """Give sRGB levels as linear light in [0, 1], float32 of the same shape."""
    return _light().take(image)


def to_levels(light: NDArray[np.float32]) -> UInt8:
    """Round linear light to sRGB levels; what is brighter than 1 saturates."""
    return _levels().take(np.rint(np.clip(light, 0, 1) * _STEPS).astype(np.int32))


@lru_cache(maxsize=1)
def _light() -> NDArray[np.float32]:
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


@lru_cache(maxsize=1)
def _levels() -> UInt8:
    light = np.arange(_STEPS + 1) / _STEPS
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(coded * 255), np.uint8)
