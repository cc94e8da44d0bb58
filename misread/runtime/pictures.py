"""Pictures for a build that prepares them itself: one call takes pictures of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UInt8 = NDArray[np.uint8]

#: Of a build that prepares pictures itself: what the names of that part of its graph begin with.
FRONT: Final = "misread.bake/"
#: And an input of it that callers may leave out: true keeps a prepared picture from being cropped once more.
PREPARED: Final = "prepared"
MAX_CALL_PIXELS: Final = 2**24


def by_size(images: Sequence[UInt8], most: int) -> Iterator[tuple[list[int], UInt8]]:
    """Yield (which pictures, (n, h, w, 3) uint8) of one size each: at most `most` pictures, and 2^24 pixels or one.

    Raises:
        OptionError: a picture is not (height, width, 3) uint8.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape) < 1:
            message = f"a picture is (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}"
            raise OptionError(message)
        groups.setdefault(image.shape, []).append(number)
    for (height, width, _), numbers in groups.items():
        step = max(1, min(most, MAX_CALL_PIXELS // (height * width)))
        for start in range(0, len(numbers), step):
            chosen = numbers[start : start + step]
            yield chosen, np.stack([images[number] for number in chosen])
