"""Light, tone, noise and blur from frames that show a sheet with its strip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import InputError
from misread.runtime.board import MAX_EXHIBITS, Layout
from misread.runtime.calibrate.blur import blur_px
from misread.runtime.camera.locate import Fiducials
from misread.runtime.channel.sensor import MAX_ELECTRONS, Sensor
from misread.runtime.sheet.strip import GREYS, patch_corners

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from misread.pixels import UInt8

MIN_FRAMES: Final = 5
MAX_FRAMES_USED: Final = 60
MIN_PATCH_PX: Final = 8
_USABLE: Final = (8.0, 245.0)  # Levels that no end of the scale has cut.
_INNER: Final = 0.6  # Of a patch's sides: blur mixes what lies further out.
_START_ELECTRONS: Final = 2000.0
_MIN_ELECTRONS: Final = 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Photometry:
    """What the camera made of the strip: `level = 255 * gain * (printed / 255) ** gamma`.

    Attributes:
        gain: At white.
        gamma: Of the tone curve on sRGB levels; 1 keeps them.
        channel_gains: Red, green and blue on grey, green being 1.
        frame_gains: Lowest and highest of the frames, with gamma taken as 1.
        electrons: Counts at white with which `Sensor` is as noisy; what a codec has smoothed away is not seen.
        defocus_px: Lowest and highest radius of the blur disc.
        frames: How many showed a sheet and were used.

    """

    gain: float
    gamma: float
    channel_gains: tuple[float, float, float]
    frame_gains: tuple[float, float]
    electrons: float
    defocus_px: tuple[float, float]
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    means: NDArray[np.float64]  # (greys, 3)
    variances: NDArray[np.float64]  # (greys, 3)
    blur: float


def measure(frames: Iterable[UInt8]) -> Photometry:
    """Measure what a camera does to known levels.

    Args:
        frames: (h, w, 3) uint8 RGB; those without a whole sheet and strip are passed over.

    Raises:
        InputError: Fewer than five show one, or the light is too dark or too bright to tell anything.

    """
    locator = Fiducials(dict.fromkeys(range(MAX_EXHIBITS), 1.0))
    readings: list[_Reading] = []
    looked = 0
    for frame in frames:
        looked += 1
        reading = _read(frame, locator)
        if reading is not None:
            readings.append(reading)
        if len(readings) == MAX_FRAMES_USED:
            break
    if len(readings) < MIN_FRAMES:
        message = f"{MIN_FRAMES} frames must show a sheet and its strip, {len(readings)} of {looked} do"
        raise InputError(f"{message}; film a page of misread sheet from the front, patches {MIN_PATCH_PX} px or more")
    means = np.stack([reading.means for reading in readings])
    usable = ((means > _USABLE[0]) & (means < _USABLE[1])).all(axis=(0, 2))
    if usable.sum() < 3:
        message = f"only {usable.sum()} of {len(GREYS)} greys are neither black nor white"
        raise InputError(f"{message}; set the exposure so that the paper is light grey, and lock it")
    printed = np.array(GREYS, np.float64)[usable] / 255
    mean = means.mean(axis=0)[usable] / 255
    gamma, offset = np.polyfit(np.log(printed), np.log(mean.mean(axis=1)), 1)
    red, green, blue = (mean / printed[:, None]).mean(axis=0)
    per_frame = (means[:, usable].mean(axis=2) / 255 / printed).mean(axis=1)
    variances = np.stack([reading.variances for reading in readings]).mean(axis=0)[usable]
    blurs = [reading.blur for reading in readings]
    return Photometry(
        gain=float(np.exp(offset)),
        gamma=float(gamma),
        channel_gains=(float(red / green), 1.0, float(blue / green)),
        frame_gains=(float(per_frame.min()), float(per_frame.max())),
        electrons=_electrons(mean * 255, variances),
        defocus_px=(min(blurs), max(blurs)),
        frames=len(readings),
    )


def _read(frame: UInt8, locator: Fiducials) -> _Reading | None:
    target = locator.locate(frame)
    if target is None:
        return None
    plane = np.asarray(cv2.getPerspectiveTransform(Layout().picture_corners(), target.corners), np.float64)
    means, variances = [], []
    for number in range(len(GREYS)):
        corners = patch_corners(number)
        middle = corners.mean(axis=0)
        inner = cv2.perspectiveTransform((middle + (corners - middle) * _INNER)[None].astype(np.float32), plane)[0]
        (left, top), (right, bottom) = np.ceil(inner.min(axis=0)).astype(int), np.floor(inner.max(axis=0)).astype(int)
        inside = left >= 0 and top >= 0 and right <= frame.shape[1] and bottom <= frame.shape[0]
        if not inside or min(right - left, bottom - top) < MIN_PATCH_PX * _INNER:
            return None
        patch = frame[top:bottom, left:right].astype(np.float64)
        means.append(patch.mean(axis=(0, 1)))
        variances.append(_variance(patch))
    return _Reading(means=np.array(means), variances=np.array(variances), blur=blur_px(frame, plane))


def _variance(patch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the variance around a plane, since light falls unevenly, for each channel."""
    rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
    basis = np.column_stack([rows.ravel(), columns.ravel(), np.ones(rows.size)])
    flat = patch.reshape(-1, 3)
    rest = flat - basis @ np.linalg.lstsq(basis, flat, rcond=None)[0]
    return np.asarray((rest**2).sum(axis=0) / max(len(flat) - 3, 1))


def _electrons(levels: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    """Find the counts with which the simulated sensor is as noisy: its demosaic and rounding are in both then."""
    electrons, rng = _START_ELECTRONS, np.random.default_rng(0)
    for _ in range(3):
        sensor = Sensor(electrons=electrons)
        simulated = [
            _variance(sensor.apply(np.full((96, 96, 3), np.rint(level), np.uint8), rng).astype(np.float64))
            for level in levels
        ]
        ratio = float(np.mean(simulated) / max(float(variances.mean()), 1e-6))
        electrons = float(np.clip(electrons * ratio, _MIN_ELECTRONS, MAX_ELECTRONS))
    return electrons
