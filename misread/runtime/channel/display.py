"""A display that is filmed: stripes of red, green and blue light at its pitch. Behind the mosaic they make moiré."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from misread.errors import OptionError
from misread.runtime.channel.linear import to_levels, to_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

MIN_PITCH_PX: Final = 0.25
MAX_PITCH_PX: Final = 16.0
MAX_ROLL_DEG: Final = 45.0
MAX_KEYSTONE: Final = 0.3
MAX_EXPOSURE: Final = 3.0
_STRIPES: Final = 3
_ROWS: Final = 4  # Samples down a sensor pixel; across, the share that a stripe covers is exact.
_LIT: Final = 0.75  # Of a display pixel's height; the rest is black matrix.


@dataclass(frozen=True, kw_only=True, slots=True)
class Display:
    """The scene as a flat panel shows it: each colour shines from a third of each display pixel.

    The panel's plane is carried into the picture by a homography, and each sensor pixel gathers what falls on it.
    Nothing is drawn on: the sensor's own mosaic turns the stripes into bands of false colour.

    Attributes:
        pitch_px: Display pixels are this many sensor pixels wide in the middle, 0.25 to 16.
        roll_deg: Turn of the panel in the picture, -45 to 45.
        keystone: Share by which the pitch grows from the middle to an edge, -0.3 to 0.3: the panel is seen at an angle.
        exposure: Gain in linear light, above 0 to 3; at 1 a white panel is a third as bright as white paper.

    """

    name: ClassVar[str] = "display"
    pitch_px: float = 1.3
    roll_deg: float = 0.0
    keystone: float = 0.0
    exposure: float = 2.0

    def __post_init__(self) -> None:
        """Refuse panels that no sensor would resolve or that turn over."""
        fits = MIN_PITCH_PX <= self.pitch_px <= MAX_PITCH_PX and 0 < self.exposure <= MAX_EXPOSURE
        if not (fits and abs(self.roll_deg) <= MAX_ROLL_DEG and abs(self.keystone) <= MAX_KEYSTONE):
            message = (
                f"a display has a pitch of {MIN_PITCH_PX} to {MAX_PITCH_PX:.0f} px, a roll within "
                f"{MAX_ROLL_DEG:.0f} degrees, a keystone within {MAX_KEYSTONE} and an exposure in (0, "
                f"{MAX_EXPOSURE:.0f}], got {self}"
            )
            raise OptionError(message)

    def apply(self, image: UInt8, rng: np.random.Generator) -> UInt8:
        """Let the panel's stripes pass the light of the scene."""
        del rng
        return to_levels(to_light(image) * stripes(self, *image.shape[:2]))


@lru_cache(maxsize=2)
def stripes(display: Display, height: int, width: int) -> NDArray[np.float32]:
    """Give what each sensor pixel gathers of each colour, (height, width, 3) float32; a third at exposure 1."""
    gathered = np.zeros((height, width, _STRIPES), np.float32)
    across = np.arange(width, dtype=np.float64) + 0.5
    for row in range(_ROWS):
        down = np.arange(height, dtype=np.float64) + (row + 0.5) / _ROWS
        left, _ = _panel(display, across - 0.5, down, (height, width))
        right, middle = _panel(display, across + 0.5, down, (height, width))
        lit = (middle % 1 < _LIT) / (_LIT * _ROWS)
        for stripe in range(_STRIPES):
            passed = _passed(right, stripe) - _passed(left, stripe)
            gathered[..., stripe] += (passed / (right - left) * lit).astype(np.float32)
    return gathered * np.float32(display.exposure)


def _panel(
    display: Display, x: NDArray[np.float64], y: NDArray[np.float64], size_hw: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where sensor points lie on the panel, in display pixels: columns and rows, (h, w) each."""
    height, width = size_hw
    right, below = x[None, :] - width / 2, y[:, None] - height / 2
    roll = np.deg2rad(display.roll_deg)
    away = (1 + 2 * display.keystone * right / width) * display.pitch_px
    column = (right * np.cos(roll) + below * np.sin(roll)) / away
    return column, (below * np.cos(roll) - right * np.sin(roll)) / away


def _passed(column: NDArray[np.float64], stripe: int) -> NDArray[np.float64]:
    """Integral of a stripe's aperture from column 0 on; the aperture has the height 1 and a third of the width."""
    whole = np.floor(column)
    return whole / _STRIPES + np.clip(column - whole - stripe / _STRIPES, 0, 1 / _STRIPES)
