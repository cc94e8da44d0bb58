"""A rung: something that happens to a picture on its way to the classifier."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UInt8Image = NDArray[np.uint8]


class Rung(Protocol):
    """One step of the ladder, applied to the clean copy and to the changed copy alike."""

    @property
    def name(self) -> str:
        """The word for it in options and JSON, as in `jpeg-90`."""
        ...

    @property
    def title(self) -> str:
        """The words for it in a table, as in `JPEG 90`."""
        ...

    def apply(self, image: UInt8Image) -> UInt8Image:
        """Return what is left of a (h, w, 3) uint8 RGB picture, of the same size."""
        ...
