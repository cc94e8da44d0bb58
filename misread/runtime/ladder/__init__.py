"""The rungs between a file and a classifier. A new rung is one file here and one line in `RUNGS`."""

from __future__ import annotations

from typing import Final

from misread.runtime.ladder.as_file import AsFile
from misread.runtime.ladder.base import Rung, UInt8Image
from misread.runtime.ladder.jpeg import Jpeg
from misread.runtime.ladder.resize_round_trip import ResizeRoundTrip

#: In order; the first is where the verdict is taken.
RUNGS: Final[tuple[Rung, ...]] = (AsFile(), Jpeg(90), Jpeg(75), Jpeg(50), ResizeRoundTrip(0.5))

__all__ = ["RUNGS", "AsFile", "Jpeg", "ResizeRoundTrip", "Rung", "UInt8Image"]
