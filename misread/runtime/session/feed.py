"""Prepared pictures into a model's input, in place: `pixels.to_input` by table, for what runs at every reading.

Between two runs of a model its weights have driven all else out of the caches; what counts is how few calls are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError
from misread.pixels import to_input

if TYPE_CHECKING:
    from misread.card import ModelCard

UInt8 = NDArray[np.uint8]
Pictures = UInt8 | Sequence[UInt8]

_LEVELS: Final = 256
_UINT8: Final = np.dtype(np.uint8)
#: Bits are copied, whatever they mean: OpenCV looks up no float16 everywhere.
_BITS: Final = {1: np.uint8, 2: np.int16, 4: np.float32}


class Feed:
    """How the pictures of a card become a model's input.

    A plane of the input depends on one channel and pixel only, so 256 values of each channel say it all. They are
    taken from `to_input` itself: equal to it to the last bit, whatever the card says.

    Args:
        card: how the model is fed.
        dtype: of its input: float32, float16 or uint8.
    """

    def __init__(self, card: ModelCard, dtype: type[np.generic]) -> None:
        self.card, self.dtype = card, np.dtype(dtype)
        self.bits = _BITS[self.dtype.itemsize]
        ramp = np.repeat(np.arange(_LEVELS, dtype=np.uint8)[None, None, :, None], 3, axis=3)
        values = to_input(ramp, card)[0, :, 0].astype(self.dtype)  # (channels, 256)
        self.tables: list[NDArray[Any]] = [np.ascontiguousarray(row).view(self.bits) for row in values]

    def empty(self, size: int) -> NDArray[Any]:
        """Return an input for `size` pictures, (size, c, h, w)."""
        return np.zeros((size, self.card.channels, *self.card.size_hw), self.dtype)


class Writer:
    """Writes pictures into one input, again and again; for one thread at a time.

    Args:
        feed: of the model.
        into: (m, c, h, w) of the feed's type, contiguous.
    """

    def __init__(self, feed: Feed, into: NDArray[Any]) -> None:
        self._card, self._into = feed.card, into
        height, width = into.shape[2:]
        self._shape = (height, width, 3)
        scratch = np.zeros(self._shape[2:] + self._shape[:2], np.uint8)
        self._planes = list(scratch[::-1] if feed.card.colour == "bgr" else scratch)  # red, green, blue go where
        self._plan: list[list[tuple[NDArray[Any], ...]]] = []
        if feed.card.colour == "grey":
            return
        bits = into.view(feed.bits)
        alike = all((table == feed.tables[0]).all() for table in feed.tables)
        if alike:  # one call for three planes
            flat = scratch.reshape(-1, width)
            self._plan = [[(flat, feed.tables[0], picture.reshape(-1, width))] for picture in bits]
        else:
            self._plan = [list(zip(scratch, feed.tables, picture, strict=True)) for picture in bits]

    def write(self, prepared: Pictures) -> None:
        """Write n pictures (h, w, 3) uint8 RGB, n at most m, and the last one again into what is left.

        Raises:
            OptionError: a picture has not the input's size.
        """
        for row, picture in enumerate(prepared):
            if picture.shape != self._shape or picture.dtype != _UINT8:
                height, width = self._shape[:2]
                raise OptionError(
                    f"a prepared picture is ({height}, {width}, 3) uint8 for this model, got {picture.shape} "
                    f"{picture.dtype}; let read() bring it to size"
                )
            if not self._plan:
                self._into[row] = to_input(picture[None], self._card)[0]
                continue
            cv2.split(picture, self._planes)
            for plane, table, target in self._plan[row]:
                cv2.LUT(plane, table, target)
        if len(prepared) < len(self._into):
            self._into[len(prepared) :] = self._into[len(prepared) - 1]
