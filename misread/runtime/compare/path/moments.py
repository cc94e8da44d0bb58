"""Sums over pixels from which every affine fit of one set of planes to another follows in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """Sums of prepared levels p and recorded inputs x, both (c, pixels), over all pixels of all pictures.

    Attributes:
        count: pixels.
        p: (c,) sum of p.
        x: (c,) sum of x.
        pp: (c,) sum of p * p.
        xx: (c,) sum of x * x.
        px: (c, c) sum of p_i * x_j: channel i of p against channel j of x.
    """

    count: int
    p: Float64
    x: Float64
    pp: Float64
    xx: Float64
    px: Float64

    @classmethod
    def of(cls, levels: NDArray[np.generic], recorded: NDArray[np.generic]) -> Self:
        """Return the sums of one picture's planes, both (c, h, w)."""
        p = levels.reshape(len(levels), -1).astype(np.float64)
        x = recorded.reshape(len(recorded), -1).astype(np.float64)
        return cls(
            count=p.shape[1],
            p=p.sum(axis=1),
            x=x.sum(axis=1),
            pp=np.einsum("ci,ci->c", p, p),
            xx=np.einsum("ci,ci->c", x, x),
            px=p @ x.T,
        )

    def __add__(self, other: Self) -> Self:
        """Return the sums over both."""
        return type(self)(
            count=self.count + other.count,
            p=self.p + other.p,
            x=self.x + other.x,
            pp=self.pp + other.pp,
            xx=self.xx + other.xx,
            px=self.px + other.px,
        )

    def reversed(self) -> Self:
        """Return the sums with the channels of p in reverse order: BGR for RGB."""
        return type(self)(count=self.count, p=self.p[::-1], x=self.x, pp=self.pp[::-1], xx=self.xx, px=self.px[::-1])

    @property
    def paired(self) -> Float64:
        """(c,) sum of p * x, channel by channel."""
        diagonal: Float64 = np.diagonal(self.px).copy()
        return diagonal

    @property
    def spread(self) -> Float64:
        """(c,) standard deviation of p in levels."""
        variance: Float64 = np.maximum(self.pp / self.count - (self.p / self.count) ** 2, 0.0)
        return np.sqrt(variance)

    def fit(self) -> tuple[Float64, Float64]:
        """Return the gain and the offset (c,) that bring p closest to x; gain 0 where p does not vary."""
        n = self.count
        varies = n * self.pp - self.p**2
        gain = np.where(varies > 1e-6 * n * n, (n * self.paired - self.p * self.x) / np.maximum(varies, 1e-300), 0.0)
        return gain, (self.x - gain * self.p) / n

    def offset(self, gain: Float64) -> Float64:
        """Return the offset (c,) that fits best where the gain is known."""
        best: Float64 = (self.x - gain * self.p) / self.count
        return best

    def gain(self, zero: Float64) -> Float64:
        """Return the gain (c,) that fits best where `input = gain * (level - zero)`."""
        square = self.pp - 2 * zero * self.p + self.count * zero**2
        both = self.paired - zero * self.x
        best: Float64 = both / np.maximum(square, 1e-300)
        return best

    def rms_levels(self, gain: Float64, offset: Float64) -> float:
        """Return the root mean square of `x - gain * p - offset` in levels of p, infinite without a positive gain."""
        if not (gain > 0).all():
            return float("inf")
        squares = (
            self.xx
            - 2 * gain * self.paired
            - 2 * offset * self.x
            + gain**2 * self.pp
            + 2 * gain * offset * self.p
            + self.count * offset**2
        )
        return float(np.sqrt(np.maximum(squares / gain**2, 0.0).mean() / self.count))
