"""How far a changed picture is from its clean one, and a change of the same size without its meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError

UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]

_REACH: Final = 5  # of the window of the structural similarity, to each side
_BAND_ROWS: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How far a changed picture is from its clean one, counted in pixel values (height x width x channels).

    Attributes:
        values_changed: values that differ.
        values_total: values there are.
        largest_level: largest difference in levels of 0..255.
        l2: Euclidean norm of the difference in [0, 1] units.
        ssim: structural similarity of the pictures, at most 1; None where no window fits, or in a bundle older than it.
    """

    values_changed: int
    values_total: int
    largest_level: int
    l2: float
    ssim: float | None = None

    @property
    def linf(self) -> float:
        """Largest difference as a fraction of full scale."""
        return self.largest_level / 255

    @property
    def similarity(self) -> str:
        """The structural similarity as text."""
        return similarity_text(self.ssim) if self.values_changed or self.ssim is None else "1"

    def text(self) -> str:
        """Say it: `312 of 6,912 values changed, none by more than 2 of 255 levels`."""
        levels = "1 of 255 levels" if self.largest_level == 1 else f"{self.largest_level} of 255 levels"
        return f"{self.values_changed:,} of {self.values_total:,} values changed, none by more than {levels}"


def measure_change(clean: UInt8, changed: UInt8) -> Change:
    """Compare two (h, w, c) uint8 pictures.

    Raises:
        OptionError: the shapes differ.
    """
    if clean.shape != changed.shape:
        raise OptionError(f"a changed picture keeps its size, got {clean.shape} and {changed.shape}")
    difference = changed.astype(np.int32) - clean
    return Change(
        values_changed=int(np.count_nonzero(difference)),
        values_total=int(difference.size),
        largest_level=int(np.abs(difference).max(initial=0)),
        l2=math.sqrt(float((difference.astype(np.float64) ** 2).sum())) / 255,
        ssim=structural_similarity(clean, changed),
    )


def similarity_text(ssim: float | None) -> str:
    """Say the structural similarity of two pictures that differ: `0.9871`, `>0.9999`; `-` where it is not known."""
    if ssim is None:
        return "-"
    return ">0.9999" if ssim > 0.9999 else f"{ssim:.4f}"


def structural_similarity(clean: UInt8, changed: UInt8) -> float | None:
    """Mean structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) of two (h, w, c) uint8 pictures.

    The published window: 11 x 11, Gaussian of sigma 1.5, wherever it lies inside the picture; K1 0.01, K2 0.03, full
    scale 255. The mean runs over places and channels.

    Returns:
        In [-1, 1], 1 for equal pictures; None where a side is shorter than the window.
    """
    height, width, channels = clean.shape
    inner = 2 * _REACH
    if min(height, width) <= inner:
        return None
    total = 0.0
    for top in range(0, height - inner, _BAND_ROWS):  # whole photographs would need gigabytes at once
        rows = slice(top, top + _BAND_ROWS + inner)
        for channel in range(channels):
            planes = (image[rows, :, channel].astype(np.float64) for image in (clean, changed))
            total += float(_similarity(*planes).sum())
    return total / int((height - inner) * (width - inner) * channels)


def _similarity(one: Float64, other: Float64) -> Float64:
    """SSIM at every place of two (h, w) planes where the window fits, (h - 10, w - 10)."""
    mean_one, mean_other = _windowed(one), _windowed(other)
    spread = _windowed(one * one) + _windowed(other * other) - mean_one**2 - mean_other**2
    together = _windowed(one * other) - mean_one * mean_other
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_one * mean_other + first) * (2 * together + second)
    result: Float64 = likeness / ((mean_one**2 + mean_other**2 + first) * (spread + second))
    return result


def _windowed(plane: Float64) -> Float64:
    """Mean of a plane under the window, first down, then across."""
    weights = np.exp(-(np.arange(-_REACH, _REACH + 1) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    height, width = (side - 2 * _REACH for side in plane.shape)
    down = sum((weight * plane[at : at + height] for at, weight in enumerate(weights)), np.zeros(()))
    return sum((weight * down[:, at : at + width] for at, weight in enumerate(weights)), np.zeros(()))


def placebo(clean: UInt8, changed: UInt8, generator: np.random.Generator) -> UInt8:
    """Return a change of the same size without its meaning: the differences dealt out anew, with random signs.

    Both are (h, w, c) uint8. The changed pixels stay the same; each takes the difference of a random other one. Where a
    sign would leave 0..255 the other is taken, and where both would, the value is clipped.
    """
    difference = changed.astype(np.int32) - clean
    where = difference.any(axis=2)
    dealt = generator.permutation(difference[where]) * generator.choice(
        [-1, 1], size=(int(where.sum()), clean.shape[2])
    )
    before = clean[where].astype(np.int32)
    outside = (before + dealt < 0) | (before + dealt > 255)
    result = clean.copy()
    result[where] = np.clip(before + np.where(outside, -dealt, dealt), 0, 255).astype(np.uint8)
    return result
