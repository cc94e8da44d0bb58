"""The pictures of a search, decoded once, beside what was recorded of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.pixels import to_input
from misread.runtime.compare.path.moments import Moments
from misread.runtime.compare.path.result import Residual
from misread.runtime.compare.path.way import Way, affine, decode, plain, planes, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from misread.data import Sample

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

MAX_BYTES: Final = 192 * 2**20


class Gallery:
    """Pictures with their recorded inputs.

    Attributes:
        samples: the pictures.
        recorded: (c, h, w) float32 per picture.
    """

    def __init__(self, samples: Sequence[Sample], recorded: Sequence[Float32]) -> None:
        self.samples, self.recorded = tuple(samples), tuple(recorded)
        self._decoded: dict[tuple[int, bool], UInt8] = {}
        self._sums: dict[tuple[Way, int], Moments] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.samples)

    def image(self, at: int, *, oriented: bool) -> UInt8:
        """Return picture number `at`, decoded; kept as long as memory allows."""
        if (at, oriented) in self._decoded:
            return self._decoded[at, oriented]
        image = decode(self.samples[at], oriented=oriented)
        if not oriented and image.shape == self.image(at, oriented=True).shape:
            upright = self.image(at, oriented=True)
            image = upright if np.array_equal(image, upright) else image
        if self._bytes + image.nbytes <= MAX_BYTES:
            self._decoded[at, oriented] = image
            self._bytes += image.nbytes
        return image

    def turned(self) -> bool:
        """Tell whether any picture looks otherwise when its EXIF orientation is ignored."""
        return any(
            not np.array_equal(self.image(at, oriented=False), self.image(at, oriented=True)) for at in range(len(self))
        )

    def moments(self, way: Way, most: int) -> Moments:
        """Return the moments of the first `most` pictures, prepared by the geometry of `way`, against the record."""
        key = (way.geometry, most)
        if key not in self._sums:
            parts = [self._moments(at, way) for at in range(min(most, len(self)))]
            total = parts[0]
            for part in parts[1:]:
                total += part
            self._sums[key] = total
        return self._sums[key]

    def spread(self, way: Way) -> float:
        """Return the smallest standard deviation of a channel's levels over all pictures."""
        sums = [
            Moments.of(levels, levels)
            for levels in (
                to_input(prepare(self.image(at, oriented=way.oriented), way)[None], plain(way.card))[0]
                for at in range(len(self))
            )
        ]
        total = sums[0]
        for part in sums[1:]:
            total += part
        return float(total.spread.min())

    def residual(self, way: Way) -> Residual:
        """Return how far `way` is from the record, over all pictures."""
        gain = affine(way.card)[0][:, None, None]
        return residual_of(
            np.abs(planes(self.image(at, oriented=way.oriented), way) - self.recorded[at]) / gain
            for at in range(len(self))
        )

    def residual_at(self, at: int, way: Way) -> Residual:
        """Return how far `way` is from the record of picture number `at`."""
        return Gallery.of(self, (at,)).residual(way)

    def led_by(self, order: Sequence[int]) -> Gallery:
        """Return the same pictures in another order: the first are those that hypotheses are tried on."""
        return Gallery.of(self, order)

    @classmethod
    def of(cls, other: Gallery, rows: Sequence[int]) -> Gallery:
        """Return some pictures of another gallery, with what it has decoded of them."""
        made = cls([other.samples[at] for at in rows], [other.recorded[at] for at in rows])
        for place, at in enumerate(rows):
            for oriented in (True, False):
                if (at, oriented) in other._decoded:
                    made._decoded[place, oriented] = other._decoded[at, oriented]
                    made._bytes += other._decoded[at, oriented].nbytes
        return made

    def apart(self, one: Way, other: Way) -> Residual:
        """Return how far two ways to one input size are apart, in levels of the first."""
        gain = affine(one.card)[0][:, None, None]
        return residual_of(
            np.abs(
                planes(self.image(at, oriented=one.oriented), one)
                - planes(self.image(at, oriented=other.oriented), other)
            )
            / gain
            for at in range(len(self))
        )

    def _moments(self, at: int, way: Way) -> Moments:
        image = self.image(at, oriented=way.oriented)
        return Moments.of(to_input(prepare(image, way)[None], plain(way.card))[0], self.recorded[at])


def residual_of(differences: Iterable[NDArray[np.floating]]) -> Residual:
    """Sum up absolute differences in levels, one array per picture; `most` is the largest of the pictures' figures."""
    total = squares = most = largest = 0.0
    count = 0
    for values in differences:
        exact = np.asarray(values, np.float64)
        total += float(exact.sum())
        squares += float((exact * exact).sum())
        count += exact.size
        most = max(most, float(np.quantile(exact, 0.999)))
        largest = max(largest, float(exact.max(initial=0.0)))
    count = max(count, 1)
    return Residual(mean=total / count, rms=float(np.sqrt(squares / count)), most=most, max=largest)
