"""Exposure, focus and white balance of a camera: held still where the back end can, told where it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.runtime.source.capture import grab

if TYPE_CHECKING:
    from collections.abc import Sequence

STEADY_FRAMES: Final = 8
QUEUED_FRAMES: Final = 4
#: How far the brightness may move, in shares of its mean: a lamp flickers by less, an automatic exposure by more.
MAX_DRIFT: Final = 0.03
MAX_STEP: Final = 0.25
_ROUNDED: Final = 0.5
#: What switches an automatism off. V4L2 takes its own menu's numbers, DirectShow rounds, the rest is 0 for off.
_MANUAL_EXPOSURE: Final[dict[int, float]] = {cv2.CAP_V4L2: 1.0, cv2.CAP_DSHOW: 0.25}


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """What to hold still, in the back end's own units; None holds the value that the camera had found.

    Attributes:
        exposure: V4L2 counts 100 us, DirectShow the power of two of seconds.
        focus: In the driver's steps.
        white_balance: In kelvin.

    Raises:
        OptionError: A value is no finite number.

    """

    exposure: float | None = None
    focus: float | None = None
    white_balance: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no driver takes."""
        for name in ("exposure", "focus", "white_balance"):
            value = getattr(self, name)
            if value is not None and not isfinite(value):
                raise OptionError(f"{name.replace('_', ' ')} is a finite number in the driver's units, got {value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What came of it: the settings as read back, and what could not be locked."""

    properties: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def hold(capture: cv2.VideoCapture, lock: Lock, *, backend: int) -> Held:
    """Switch the automatisms off, write the values, read them back, and see whether the brightness stands still."""
    wishes = (
        ("exposure", cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE, lock.exposure),
        ("focus", cv2.CAP_PROP_AUTOFOCUS, cv2.CAP_PROP_FOCUS, lock.focus),
        ("white balance", cv2.CAP_PROP_AUTO_WB, cv2.CAP_PROP_WB_TEMPERATURE, lock.white_balance),
    )
    found, notes = list[tuple[str, str]](), list[str]()
    before = _mean(capture)
    for name, switch, prop, value in wishes:
        off = _MANUAL_EXPOSURE.get(backend, 0.0) if name == "exposure" else 0.0
        why = _hold_one(capture, switch, off, prop, value)
        found.append((name, "not locked" if why else f"locked at {capture.get(prop):.6g}"))
        if why:
            notes.append(f"{name} could not be locked: {why}")
    means = _brightness(capture)
    if before is None or means is None:
        notes.append("whether the exposure holds was not seen: too few frames came")
        return Held(properties=tuple(found), notes=tuple(notes))
    drift, after = luminance_drift(means), float(np.mean(means))
    found.append(("brightness drift", f"{drift:.1%}"))
    if drift > MAX_DRIFT:
        notes.append(f"the exposure does not hold: the brightness moved by {drift:.1%} over {STEADY_FRAMES} frames")
    if lock.exposure is None and abs(after - before) > MAX_STEP * max(before, 1.0):
        notes.append(f"locking the exposure took the brightness from {before:.0f} to {after:.0f} of 255; set a value")
    return Held(properties=tuple(found), notes=tuple(notes))


def luminance_drift(means: Sequence[float]) -> float:
    """Give the range of the brightness as a share of its mean (of a grey level at least)."""
    return float(np.ptp(means) / max(float(np.mean(means)), 1.0))


def _brightness(capture: cv2.VideoCapture) -> list[float] | None:
    """Measure some frames, those left out that lay in the driver's queue before the settings were made."""
    means = [_mean(capture) for _ in range(QUEUED_FRAMES + STEADY_FRAMES)][QUEUED_FRAMES:]
    found = [mean for mean in means if mean is not None]
    return found if len(found) == STEADY_FRAMES else None


def _hold_one(capture: cv2.VideoCapture, switch: int, off: float, prop: int, value: float | None) -> str:
    """Give why a setting does not hold, or an empty text. The value is read before the automatism lets go of it."""
    wanted = capture.get(prop) if value is None else value
    if not _set(capture, switch, off):
        return "the back end refuses to switch the automatism off"
    told = capture.get(switch)
    if not abs(told - off) <= _ROUNDED:
        return f"the automatism was set to {off:g} and reads back as {told:g}"
    if not _set(capture, prop, wanted):
        return f"the back end refuses the value {wanted:g}"
    told = capture.get(prop)
    if not abs(told - wanted) <= max(1.0, 0.02 * abs(wanted)):
        return f"{wanted:g} was set and {told:g} is read back"
    return ""


def _set(capture: cv2.VideoCapture, prop: int, value: float) -> bool:
    try:
        return bool(capture.set(prop, value))
    except cv2.error:
        return False


def _mean(capture: cv2.VideoCapture) -> float | None:
    image = grab(capture)
    return None if image is None else float(image[::8, ::8].mean())
