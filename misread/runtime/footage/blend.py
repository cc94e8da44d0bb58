"""A changed sign in the place and light of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.runtime.channel.linear import to_levels, to_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.pixels import UInt8

_FINER: Final = 4
_INSIDE: Final = 0.99
_LEAST: Final = 0.05  # of the contrast: a sign in full shade still shows something of a change


@dataclass(frozen=True, kw_only=True, slots=True)
class Light:
    """How a frame shows a print: `gain * print + veil` in linear light, per channel.

    Attributes:
        gain: (3,), exposure and contrast.
        veil: (3,), stray light.

    """

    gain: NDArray[np.float32]
    veil: NDArray[np.float32]


def light_of(frame: UInt8, clean: UInt8, corners: NDArray[np.float64]) -> Light:
    """Fit by least squares how a frame shows a sign, over the disc in its box, at the frame's own resolution.

    Args:
        frame: (h, w, 3) uint8 RGB.
        clean: (h, w, 3) uint8 RGB, the sign as printed, filling the picture.
        corners: (4, 2) where the corners of `clean` appear.

    """
    size_hw = (frame.shape[0], frame.shape[1])
    printed = _seen(to_light(clean), corners, size_hw)
    rows, columns = np.ogrid[-1 : 1 : clean.shape[0] * 1j, -1 : 1 : clean.shape[1] * 1j]
    disc = (rows**2 + columns**2 <= 1).astype(np.float32)[..., None]
    here = _seen(disc.repeat(3, axis=2), corners, size_hw)[..., 0] > _INSIDE
    shown, gains, veils = to_light(frame), [], []
    for channel in range(3):
        x, y = printed[..., channel][here], shown[..., channel][here]
        spread = float(np.var(x)) if len(x) > 1 else 0.0
        gain = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 1e-6 else 1.0
        gains.append(max(gain, _LEAST))
        veils.append(float(y.mean() - gains[-1] * x.mean()) if len(x) else 0.0)
    return Light(gain=np.array(gains, np.float32), veil=np.array(veils, np.float32))


def blended(
    frame: UInt8, clean: UInt8, changed: UInt8, corners: NDArray[np.float64], light: Light, *, covers: bool
) -> UInt8:
    """Show the change of a sign in a frame.

    A small change is added, in linear light: the frame keeps its own sign, dirt and shade. What covers the sign
    replaces it. Where `changed` equals `clean` the frame stays as it is.

    Args:
        frame: (h, w, 3) uint8 RGB; stays as it is.
        clean: (h, w, 3) uint8 RGB, the sign as printed.
        changed: The same with the change.
        corners: (4, 2) where the corners of `clean` appear in the frame.
        light: How the frame shows the print.
        covers: Whether the change is opaque.

    Returns:
        (h, w, 3) uint8 RGB.

    """
    size_hw = (frame.shape[0], frame.shape[1])
    shown = to_light(frame)
    if covers:
        where = (changed != clean).any(axis=2, keepdims=True).astype(np.float32).repeat(3, 2)
        opaque = _seen(where, corners, size_hw)
        # Weighted before the warp, so that the colours of what is not covered do not bleed into the edge.
        colours = _seen(where * to_light(changed), corners, size_hw)
        shown = shown * (1 - opaque) + light.gain * colours + light.veil * opaque
    else:
        change = _seen(to_light(changed) - to_light(clean), corners, size_hw)
        shown = shown + light.gain * change
    return to_levels(shown)


def _seen(flat: NDArray[np.float32], corners: NDArray[np.float64], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Show a field in perspective, averaged over each pixel: (h, w, 3), 0 outside of it."""
    rows, columns = flat.shape[:2]
    edge = float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max()) * _FINER
    if edge < max(rows, columns):
        share = edge / max(rows, columns)
        rows, columns = max(round(rows * share), 1), max(round(columns * share), 1)
        flat = np.asarray(cv2.resize(flat, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - np.float32(0.5)
    target = (corners * _FINER - 0.5).astype(np.float32)
    warp = cv2.getPerspectiveTransform(source, target)
    fine = cv2.warpPerspective(flat, warp, (size_hw[1] * _FINER, size_hw[0] * _FINER), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(fine, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_AREA), np.float32)
