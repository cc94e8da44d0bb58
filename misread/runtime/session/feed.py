"""Prepared pictures into a model's input, in place: `pixels.to_input` by table, for what runs at every reading."""

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
#: Bits are copied, whatever they mean: OpenCV looks up no float16 everywhere.
_BITS: Final = {1: np.uint8, 2: np.int16, 4: np.float32}


class Feed:
    """Writes pictures into the input of a model.

    A plane of the input depends on one channel and pixel only, so 256 values of each channel say it all. They are
    taken from `to_input` itself: equal to it to the last bit, whatever the card says.

    Args:
        card: how the model is fed.
        dtype: of its input: float32, float16 or uint8.
    """

    def __init__(self, card: ModelCard, dtype: type[np.generic]) -> None:
        self.card, self.dtype = card, np.dtype(dtype)
        self._bits = _BITS[self.dtype.itemsize]
        ramp = np.repeat(np.arange(_LEVELS, dtype=np.uint8)[None, None, :, None], 3, axis=3)
        values = to_input(ramp, card)[0, :, 0].astype(self.dtype)  # (channels, 256)
        self._tables: list[NDArray[Any]] = [np.ascontiguousarray(row).view(self._bits) for row in values]

    def write(self, prepared: Pictures, into: NDArray[Any], scratch: Sequence[UInt8]) -> None:
        """Write pictures; the last one again where there are fewer than there is room for.

        Args:
            prepared: n pictures (h, w, 3) uint8.
            into: (m, c, h, w) of `dtype`, m at least n.
            scratch: three planes (h, w), to be overwritten.

        Raises:
            OptionError: a picture has not the input's size.
        """
        wanted = (*into.shape[2:], 3)
        for row, picture in enumerate(prepared):
            if picture.shape != wanted or picture.dtype != np.uint8:
                height, width = wanted[:2]
                raise OptionError(
                    f"a prepared picture is ({height}, {width}, 3) uint8 for this model, got {picture.shape} "
                    f"{picture.dtype}; let read() bring it to size"
                )
            self._write_one(picture, into[row], scratch)
        into[len(prepared) :] = into[len(prepared) - 1]

    def _write_one(self, picture: UInt8, into: NDArray[Any], scratch: Sequence[UInt8]) -> None:
        if self.card.colour == "grey":
            into[:] = to_input(picture[None], self.card)[0]
            return
        cv2.split(picture, scratch)
        ordered = scratch[::-1] if self.card.colour == "bgr" else scratch
        for plane, table, target in zip(ordered, self._tables, into.view(self._bits), strict=True):
            cv2.LUT(plane, table, dst=target)
