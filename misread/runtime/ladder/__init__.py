"""The rungs between a file and a classifier. A new rung is one file here and one line in `RUNGS`."""

from __future__ import annotations

from typing import Final

from misread.runtime.ladder.as_file import AsFile
from misread.runtime.ladder.base import Rung, UInt8Image
from misread.runtime.ladder.blur import Blur
from misread.runtime.ladder.jpeg import Jpeg
from misread.runtime.ladder.preprocessing import Preprocessing
from misread.runtime.ladder.resize_round_trip import ResizeRoundTrip
from misread.runtime.ladder.shift import Shift
from misread.runtime.ladder.simulated_capture import SimulatedCapture
from misread.runtime.ladder.tone import Brightness, Gamma
from misread.runtime.ladder.webp import Webp

#: In order; the first is where the verdict is taken.
RUNGS: Final[tuple[Rung, ...]] = (
    AsFile(),
    Preprocessing(),
    Brightness(0.8),
    Gamma(1.25),
    Shift(0.02),
    Jpeg(90),
    Jpeg(75),
    Jpeg(50),
    Webp(80),
    Blur(1.0),
    ResizeRoundTrip(0.5),
    SimulatedCapture(1),
    SimulatedCapture(2),
    SimulatedCapture(3),
)

__all__ = [
    "RUNGS",
    "AsFile",
    "Blur",
    "Brightness",
    "Gamma",
    "Jpeg",
    "Preprocessing",
    "ResizeRoundTrip",
    "Rung",
    "Shift",
    "SimulatedCapture",
    "UInt8Image",
    "Webp",
]
