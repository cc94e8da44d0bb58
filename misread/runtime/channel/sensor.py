"""A colour sensor: Poisson counts behind a Bayer mosaic, demosaiced by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

import cv2
import numpy as np

from misread.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

_QUANTILES: Final = 4096
_MIN_SIDE: Final = 4
MAX_ELECTRONS: Final = 20_000.0
_LINEAR_END: Final = 0.04045


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """Shot and read noise in linear light, one colour per pixel, then an edge-aware demosaic.

    Attributes:
        electrons: Counts at white, 50 to 20,000; fewer is noisier.
        read_electrons: Standard deviation of the read noise, in counts.

    """

    name: ClassVar[str] = "sensor"
    electrons: float = 2500.0
    read_electrons: float = 4.0

    def __post_init__(self) -> None:
        """Refuse counts without sense."""
        if not (50 <= self.electrons <= MAX_ELECTRONS and 0 <= self.read_electrons <= self.electrons / 4):
            message = f"a sensor has 50 to {MAX_ELECTRONS:.0f} electrons, read noise at most a quarter, got {self}"
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Expose once. Pictures below 4x4 are returned as they are, for they have no mosaic."""
        height, width = image.shape[:2]
        if min(height, width) < _MIN_SIDE:
            return image.copy()
        mosaic = np.empty((height, width), np.uint8)
        mosaic[0::2, 0::2] = image[0::2, 0::2, 0]
        mosaic[0::2, 1::2] = image[0::2, 1::2, 1]
        mosaic[1::2, 0::2] = image[1::2, 0::2, 1]
        mosaic[1::2, 1::2] = image[1::2, 1::2, 2]
        draw = np.frombuffer(rng.bytes(2 * mosaic.size), np.uint16).reshape(mosaic.shape)
        index = mosaic.astype(np.int32) * _QUANTILES + (draw & (_QUANTILES - 1))
        counts = _readout(self.electrons, self.read_electrons).take(index)
        return np.asarray(cv2.demosaicing(counts, cv2.COLOR_BayerRGGB2RGB_EA), np.uint8)


@lru_cache(maxsize=8)
def _readout(electrons: float, read_electrons: float) -> NDArray[np.uint8]:
    """Give for each of the 256 levels the 4096 evenly spaced quantiles of what the sensor reads, as levels.

    Read noise is folded in as Poisson(n + s^2) - s^2: its mean and variance are those of shot and read noise together.
    """
    level = np.arange(256) / 255
    linear = np.where(level <= _LINEAR_END, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    table = np.empty((256, _QUANTILES), np.uint8)
    at = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    offset = read_electrons**2
    for row, mean in enumerate(linear * electrons + offset):
        counts = (_poisson_quantiles(mean, at) - offset) / electrons
        counts = np.clip(counts, 0, 1)
        srgb = np.where(counts <= _LINEAR_END / 12.92, counts * 12.92, 1.055 * counts ** (1 / 2.4) - 0.055)
        table[row] = np.rint(srgb * 255)
    return table.ravel()


def _poisson_quantiles(mean: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    if mean <= 0:
        return np.zeros_like(at)
    spread = 6 * np.sqrt(mean) + 10
    first = max(int(mean - spread), 0)
    counts = np.arange(first, int(mean + spread) + 1, dtype=np.float64)
    # Ratios of neighbours avoid factorials; the common factor falls out when the sum is made 1.
    log_weight = np.concatenate([[0.0], np.cumsum(np.log(mean / counts[1:]))])
    weight = np.exp(log_weight - log_weight.max())
    below = np.cumsum(weight) / weight.sum()
    return counts[np.minimum(np.searchsorted(below, at), len(counts) - 1)]
