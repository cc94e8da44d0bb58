"""Lamps on mains flicker at twice its frequency; a shutter that rolls down the rows turns that into bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from misread.errors import OptionError
from misread.runtime.channel.linear import to_levels, to_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

MAX_LINE_US: Final = 200.0
MAX_EXPOSURE_MS: Final = 100.0
MAX_MAINS_HZ: Final = 400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Banding:
    """Light that swings as a cosine while the rows are read one after another; each picture starts at another phase.

    Attributes:
        mains_hz: 50 or 60 as a rule; the light swings at twice that.
        line_us: From one row's start to the next one's, above 0 to 200.
        exposure_ms: How long a row gathers light, 0 to 100. A whole number of swings leaves no band.
        depth: Share of the light that swings, 0 to 1.

    """

    name: ClassVar[str] = "banding"
    mains_hz: float = 50.0
    line_us: float = 30.0
    exposure_ms: float = 4.0
    depth: float = 0.3

    def __post_init__(self) -> None:
        """Refuse shutters and lamps without sense."""
        lamp = 0 < self.mains_hz <= MAX_MAINS_HZ and 0 <= self.depth <= 1
        if not (lamp and 0 < self.line_us <= MAX_LINE_US and 0 <= self.exposure_ms <= MAX_EXPOSURE_MS):
            message = (
                f"banding wants mains in (0, {MAX_MAINS_HZ:.0f}] Hz, lines in (0, {MAX_LINE_US:.0f}] us, an exposure "
                f"of 0 to {MAX_EXPOSURE_MS:.0f} ms and a depth of 0 to 1, got {self}"
            )
            raise OptionError(message)

    @property
    def period_rows(self) -> float:
        """Rows from one band to the next: the line rate over twice the mains frequency."""
        return 1e6 / self.line_us / (2 * self.mains_hz)

    def rows(self, height: int, phase: float) -> NDArray[np.float32]:
        """Gain of each row, (height,) float32 about 1; the exposure averages over the swing."""
        swings = 2 * self.mains_hz * self.exposure_ms / 1e3
        turn = 2 * np.pi * np.arange(height) / self.period_rows + phase
        return np.asarray(1 + self.depth * np.sinc(swings) * np.cos(turn), np.float32)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Multiply each row, in linear light, from a phase that is drawn."""
        gain = self.rows(image.shape[0], float(rng.uniform(0, 2 * np.pi)))
        return to_levels(to_light(image) * gain[:, None, None])
