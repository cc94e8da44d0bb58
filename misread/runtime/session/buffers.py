"""Input and output of a session, bound once and used again: no run allocates what the last one had."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT: Final = 2
"""Idle buffers that are kept: one batch size, or two of them in turn, or one that two threads read with."""
KEPT_BYTES: Final = 64 * 2**20


class Buffers:
    """Where one run reads from and writes to; of one batch size, and for one thread at a time.

    Args:
        session: whose.
        feed: name of the input.
        planes: its shape.
        dtype: its type.
        answer: name of the output; its shape and type are those of the first run.

    Attributes:
        input: the input, to be written in place.
        scratch: three planes (h, w) uint8 for whoever writes it.
    """

    def __init__(
        self, session: ort.InferenceSession, feed: str, planes: tuple[int, ...], dtype: np.dtype[Any], answer: str
    ) -> None:
        self._session, self._names = session, (feed, answer)
        self.input: NDArray[Any] = np.zeros(planes, dtype)
        self.scratch = list(np.zeros((3, *planes[2:]), np.uint8))
        self._fed = ort.OrtValue.ortvalue_from_numpy(self.input)
        self._answered: NDArray[Any] | None = None
        self._binding = session.io_binding()
        self._binding.bind_output(answer)

    def run(self, options: ort.RunOptions | None) -> NDArray[Any]:
        """Run the model on `input` and return its output, which the next run overwrites: copy what is to stay.

        onnxruntime refuses to write an output of another shape than that of the first run.
        """
        feed, answer = self._names
        self._binding.bind_ortvalue_input(feed, self._fed)  # a provider with memory of its own copies here
        self._session.run_with_iobinding(self._binding, options)
        if self._answered is None:
            self._answered = np.array(self._binding.copy_outputs_to_cpu()[0])
            self._binding.bind_ortvalue_output(answer, ort.OrtValue.ortvalue_from_numpy(self._answered))
        return self._answered


class Pool:
    """Idle buffers of a session. A thread takes them out and puts them back, so that no two ever share any."""

    def __init__(self) -> None:
        self._idle: list[Buffers] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> Buffers | None:
        """Take out buffers for `size` pictures, the ones used last; None where there are none."""
        with self._lock:
            for at in reversed(range(len(self._idle))):
                if len(self._idle[at].input) == size:
                    return self._idle.pop(at)
        return None

    def put(self, buffers: Buffers) -> None:
        """Put buffers back; what has been idle for longest goes, and large ones are not kept at all."""
        if buffers.input.nbytes > KEPT_BYTES:
            return
        with self._lock:
            self._idle.append(buffers)
            del self._idle[:-KEPT]
