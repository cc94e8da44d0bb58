"""What a picture format answers, and the one call of OpenCV's decoder."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from misread.errors import FileError

Levels = NDArray[np.uint8] | NDArray[np.uint16]


class Format(Protocol):
    """One kind of picture file."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of file names, with the dot, in lower case."""

    def claims(self, data: bytes) -> bool:
        """Tell by its first bytes whether a file is of this format."""

    def decode(self, data: bytes, name: str) -> Levels:
        """Return the upright picture: (h, w) grey, (h, w, 3) BGR or (h, w, 4) BGRA, 8 or 16 bits a channel.

        Raises:
            FileError: truncated, damaged, too large, or of a kind that would be read wrongly; `name` is in the message.
        """


def imdecode(data: bytes, name: str, kind: str, flags: int = cv2.IMREAD_UNCHANGED) -> Levels:
    """Decode by OpenCV; no orientation is applied to other formats than TIFF.

    Raises:
        FileError: OpenCV cannot, or the pixels have another type than 8 or 16 bits.
    """
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        message = f"{name} cannot be decoded: it has more than 2^27 pixels, or is damaged"
        raise FileError(message) from error
    if decoded is None:
        raise damaged(name, kind)
    if decoded.dtype == np.uint8:
        return decoded.astype(np.uint8, copy=False)
    if decoded.dtype == np.uint16:
        return decoded.astype(np.uint16, copy=False)
    raise unread(name, kind, f"{decoded.dtype} pixels")


def truncated(name: str) -> FileError:
    """Return the error of a file that lacks its end."""
    return FileError(f"{name} is truncated: it ends before its picture does; copy it again")


def damaged(name: str, kind: str) -> FileError:
    """Return the error of a file that the decoder gave up on."""
    return FileError(f"{name} cannot be decoded: this {kind} is truncated or damaged; copy it again")


def unread(name: str, kind: str, what: str) -> FileError:
    """Return the error of a file that would be read wrongly, so that it is not read at all."""
    return FileError(f"{name} is a {kind} with {what}, which misread does not read; save it as PNG")
