"""Builds that prepare pictures themselves: one call takes pictures of one size, and its graph does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import onnxruntime as ort

    from misread.card import ModelCard

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


class PictureInput:
    """The input of a build that prepares pictures itself.

    Args:
        session: whose.
        card: of the build.
    """

    def __init__(self, session: ort.InferenceSession, card: ModelCard) -> None:
        self._session, self._size_hw = session, card.size_hw
        self._picture, self._answer = session.get_inputs()[0].name, session.get_outputs()[0].name
        self._may_crop = any(entry.name == PREPARED for entry in session.get_overridable_initializers())

    def run(
        self, pictures: UInt8 | Sequence[UInt8], size: int, options: ort.RunOptions | None, *, prepared: bool
    ) -> NDArray[Any]:
        """Run up to `size` pictures of one size as `size`, the last again for those that are missing.

        Returns a row of values for each of the `size`, or one row where they do not divide.

        Args:
            pictures: (n, h, w, 3) uint8, or n of (h, w, 3).
            size: pictures per call.
            options: of the run.
            prepared: they have the input's size already, and are neither resized nor cropped.

        Raises:
            OptionError: prepared pictures that have not the input's size.
        """
        stack = np.ascontiguousarray(pictures)
        wanted = (*self._size_hw, 3) if prepared else (*stack.shape[1:3], 3)
        if stack.shape[1:] != wanted or stack.dtype != np.uint8:
            message = (
                f"a prepared picture is ({wanted[0]}, {wanted[1]}, 3) uint8 for this model, got {stack.shape[1:]} "
                f"{stack.dtype}; let read() bring it to size"
            )
            raise OptionError(message)
        if len(stack) < size:
            stack = np.concatenate([stack, np.repeat(stack[-1:], size - len(stack), axis=0)])
        feed = {self._picture: stack}
        if prepared and self._may_crop:
            feed[PREPARED] = np.array(True)  # noqa: FBT003  a value
        answer: NDArray[Any] = np.asarray(self._session.run([self._answer], feed, options)[0])
        return answer.reshape(1 if answer.size % size else size, -1)
