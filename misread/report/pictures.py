"""Pictures for a report: data URIs, the signed difference made visible, thumbnails."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.pixels import encode_jpeg, encode_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

MID_GREY: Final = 127
FILM_QUALITY: Final = 85
FIGURE_QUALITY: Final = 92
LIST_QUALITY: Final = 80
#: About 190 kB of PNG: a picture of 256 x 256 pixels of noise.
EXACT_CHARS: Final = 256 * 1024
PIXELATED_BELOW_PX: Final = 160
_STEPS: Final = (1, 2, 4, 5, 8, 10, 16, 20, 32, 40, 64, 100, 127)


def png_uri(image: NDArray[np.uint8]) -> str:
    """Return (h, w, 3) uint8 RGB as a `data:` URI, every pixel as it is."""
    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode("ascii")


def film_uri(image: NDArray[np.uint8]) -> str:
    """Return a camera frame as a `data:` URI in JPEG: it came out of a lossy codec, PNG would only be larger."""
    return _jpeg_uri(image, FILM_QUALITY)


def amplification(clean: NDArray[np.uint8], changed: NDArray[np.uint8]) -> int:
    """Return the largest round factor by which the difference fits into 8 bits around grey, but for one level."""
    largest = int(np.abs(_difference(clean, changed)).max(initial=0))
    return max(step for step in _STEPS if step == 1 or step * largest <= MID_GREY + 1)


def difference(clean: NDArray[np.uint8], changed: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return `changed - clean`, times `factor`, around mid-grey.

    Args:
        clean: (h, w, 3) uint8.
        changed: The same shape.
        factor: 1 or more; what exceeds 8 bits is clipped.

    Raises:
        OptionError: The shapes differ or the factor is below 1.

    """
    if factor < 1:
        message = f"a difference is amplified by 1 or more, got {factor}"
        raise OptionError(message)
    return np.clip(MID_GREY + factor * _difference(clean, changed), 0, 255).astype(np.uint8)


def _difference(clean: NDArray[np.uint8], changed: NDArray[np.uint8]) -> NDArray[np.int32]:
    if clean.shape != changed.shape:
        message = f"a difference needs two pictures of one size, got {clean.shape} and {changed.shape}"
        raise OptionError(message)
    return changed.astype(np.int32) - clean.astype(np.int32)


def is_small(image: NDArray[np.uint8]) -> bool:
    """Tell whether a picture is so small that its pixels should be shown as squares."""
    return bool(max(image.shape[:2]) <= PIXELATED_BELOW_PX)


def figure_uri(image: NDArray[np.uint8]) -> str:
    """Return a picture as a `data:` URI, every pixel as it is where that is not too large, else as a fine JPEG."""
    exact = png_uri(image)
    return exact if len(exact) <= EXACT_CHARS else _jpeg_uri(image, FIGURE_QUALITY)


def list_uri(image: NDArray[np.uint8]) -> str:
    """Return a small picture of a long list as a `data:` URI in JPEG: a thousand of them must fit one file."""
    return _jpeg_uri(image, LIST_QUALITY)


def _jpeg_uri(image: NDArray[np.uint8], quality: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(image, quality)).decode("ascii")


def sampled(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return the picture as large as its `thumbnail`, of single values instead of means over neighbours."""
    height, width = thumbnail(image, side_px).shape[:2]
    rows = (np.arange(height) + 0.5) * image.shape[0] / height
    columns = (np.arange(width) + 0.5) * image.shape[1] / width
    return np.ascontiguousarray(image[rows.astype(int)][:, columns.astype(int)])


def thumbnail(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return the picture with its longer side at most `side_px`; a smaller one is returned as it is."""
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
