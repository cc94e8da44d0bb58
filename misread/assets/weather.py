"""Weathers: how light falls on a sign, and what the air between it and the camera does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.assets.backdrop import soft_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """One kind of light and air.

    Attributes:
        light_rgb: Factor on the whole picture, per channel.
        falloff: How much the light changes across the sign, as a fraction.
        leaves: Depth of the shadow of leaves on the sign, as a fraction.
        fog: Share of the picture that turns into the fog's grey.
        fog_rgb: Colour of the fog.
        rain: Rain streaks per thousand pixels of width and height.
        snow: Snow flakes, likewise.
        grain: Standard deviation of the sensor's noise, in levels.
    """

    light_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    falloff: float = 0.12
    leaves: float = 0.0
    fog: float = 0.0
    fog_rgb: tuple[float, float, float] = (196.0, 200.0, 204.0)
    rain: float = 0.0
    snow: float = 0.0
    grain: float = 2.0

    def on_sign(self, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the factor (side, side, 1) by which light and shadow change the sign's paint."""
        angle = float(rng.uniform(0, 2 * np.pi))
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
        light = 0.94 + self.falloff * (np.cos(angle) * x + np.sin(angle) * y)
        if self.leaves > 0:
            mottle = soft_noise((side, side), rng)[..., 0] * 2.2 + float(rng.uniform(-0.2, 0.8))
            light = light * (1 - self.leaves / (1 + np.exp(-3 * mottle)))
        factor: NDArray[np.float32] = light.astype(np.float32)[..., None]
        return factor

    def veil(self, canvas: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the picture (h, w, 3) in [0, 255] as seen through this air and under this light."""
        seen = canvas * np.asarray(self.light_rgb, np.float32)
        if self.fog > 0:
            thick = np.clip(self.fog * (1 + 0.15 * soft_noise(canvas.shape[:2], rng)), 0, 0.9)
            seen = seen * (1 - thick) + np.asarray(self.fog_rgb, np.float32) * thick
        if self.rain > 0:
            seen = seen + _streaks(canvas.shape[0], self.rain, rng)
        if self.snow > 0:
            cover = _flakes(canvas.shape[0], self.snow, rng)
            seen = seen * (1 - cover) + 244 * cover
        return np.clip(seen, 0, 255).astype(np.float32)


def _streaks(side: int, density: float, rng: np.random.Generator) -> NDArray[np.float32]:
    layer = np.zeros((side, side), np.float32)
    slant = float(rng.uniform(-0.3, 0.3))
    for _ in range(int(density * side)):
        x, y = (float(value) for value in rng.uniform(-0.1, 1.1, 2) * side)
        length = float(rng.uniform(0.03, 0.09)) * side
        ends = (round(x), round(y)), (round(x + slant * length), round(y + length))
        cv2.line(layer, ends[0], ends[1], float(rng.uniform(14, 52)), 1)
    return cv2.GaussianBlur(layer, (0, 0), 0.0025 * side).astype(np.float32)[..., None]


def _flakes(side: int, density: float, rng: np.random.Generator) -> NDArray[np.float32]:
    layer = np.zeros((side, side), np.float32)
    for _ in range(int(density * side)):
        x, y = (round(float(value)) for value in rng.uniform(0, 1, 2) * side)
        cv2.circle(
            layer, (x, y), max(1, round(float(rng.uniform(0.002, 0.009)) * side)), float(rng.uniform(0.3, 0.9)), -1
        )
    return cv2.GaussianBlur(layer, (0, 0), 0.003 * side).astype(np.float32)[..., None]


WEATHERS: Final[dict[str, Weather]] = {
    "clear": Weather(light_rgb=(1.04, 1.02, 0.98), falloff=0.1),
    "overcast": Weather(light_rgb=(0.84, 0.86, 0.89), falloff=0.05),
    "leaves": Weather(light_rgb=(1.03, 1.01, 0.95), falloff=0.08, leaves=0.42),
    "fog": Weather(light_rgb=(0.88, 0.9, 0.92), falloff=0.05, fog=0.42),
    "rain": Weather(light_rgb=(0.68, 0.71, 0.76), falloff=0.08, fog=0.12, rain=0.9, grain=2.8),
    "snow": Weather(light_rgb=(0.9, 0.92, 0.96), falloff=0.05, fog=0.15, snow=0.35),
    "dusk": Weather(light_rgb=(0.66, 0.54, 0.5), falloff=0.16, grain=3.6),
    "low sun": Weather(light_rgb=(1.06, 0.94, 0.78), falloff=0.24),
}
