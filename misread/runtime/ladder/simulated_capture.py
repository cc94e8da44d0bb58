"""The picture seen by a gentle camera: light, optics, a sensor behind a mosaic, one JPEG. No print, no distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.errors import OptionError
from misread.runtime.channel import Profile

if TYPE_CHECKING:
    from misread.runtime.ladder.base import UInt8Image

#: Milder than any profile of the virtual camera: who dies here needs no camera to be safe from.
GENTLE: Final = Profile(
    name="gentle-1",
    gain=(0.92, 1.06),
    slope=(-0.06, 0.06),
    defocus_px=(0.5, 0.8),
    electrons=(6000, 12000),
    quality=92,
)
MOST_DRAWS: Final = 1000


@dataclass(frozen=True, slots=True)
class SimulatedCapture:
    """One draw of the gentle profile; the clean and the changed copy meet the same settings and the same noise.

    Attributes:
        draw: its number, from 1; the same number is the same camera on every machine.
    """

    draw: int

    def __post_init__(self) -> None:
        """Refuse a number that is none."""
        if not 1 <= self.draw <= MOST_DRAWS:
            raise OptionError(f"a simulated capture is a draw from 1 to {MOST_DRAWS}, got {self.draw}")

    @property
    def name(self) -> str:
        """The word for it in options and JSON."""
        return f"capture-{self.draw}"

    @property
    def title(self) -> str:
        """The words for it in a table."""
        return f"simulated capture {self.draw}"

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return the picture as the camera sees it, one sensor pixel for each of its own."""
        rng = np.random.default_rng(self.draw)
        channel = GENTLE.draw(rng)
        return GENTLE.codec().apply(channel.film(image, rng), rng)
