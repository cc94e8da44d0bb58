"""Input and output of a session, bound once and used again: no run allocates what the last one had."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

from misread.runtime.session.feed import Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.runtime.session.feed import Feed, Pictures

KEPT: Final = 2
"""Batch sizes whose buffers are kept, and how many of each: threads that read together need one each."""
KEPT_BYTES: Final = 32 * 2**20


class Buffers:
    """Where one run reads from and writes to; of one batch size, and for one thread at a time.

    Args:
        session: whose.
        feed: how its input is written.
        size: pictures a run.
        names: of the input and of the output.

    Attributes:
        size: pictures a run.
        input: (size, c, h, w).
    """

    def __init__(self, session: ort.InferenceSession, feed: Feed, size: int, names: tuple[str, str]) -> None:
        self._session, self._names, self.size = session, names, size
        self.input = feed.empty(size)
        self._writer = Writer(feed, self.input)
        self._fed = ort.OrtValue.ortvalue_from_numpy(self.input)
        self._rows: NDArray[Any] | None = None  # the output that is bound, once its shape is known
        self._binding = session.io_binding()
        self._binding.bind_output(names[1])

    def write(self, prepared: Pictures) -> None:
        """Write up to `size` pictures into the input, as `Writer.write`."""
        self._writer.write(prepared)

    def run(self, options: ort.RunOptions | None) -> NDArray[Any]:
        """Run the model; return a copy of its output, a row for each picture, or one row where that does not divide.

        onnxruntime refuses to write an output of another shape than that of the first run.
        """
        self._binding.bind_ortvalue_input(self._names[0], self._fed)  # a provider with memory of its own copies here
        self._session.run_with_iobinding(self._binding, options)
        if self._rows is None:
            answered = np.array(self._binding.copy_outputs_to_cpu()[0])
            self._binding.bind_ortvalue_output(self._names[1], ort.OrtValue.ortvalue_from_numpy(answered))
            self._rows = answered.reshape(1 if answered.size % self.size else self.size, -1)
        return self._rows.copy()


class Pool:
    """Idle buffers of a session. A thread takes them out and puts them back, so that no two ever share any."""

    def __init__(self) -> None:
        self._idle: dict[int, list[Buffers]] = {}
        self._lock = threading.Lock()

    def take(self, size: int) -> Buffers | None:
        """Take out buffers for `size` pictures; None where there are none."""
        try:
            return self._idle[size].pop()  # one step, which no other thread can divide
        except (KeyError, IndexError):
            return None

    def put(self, buffers: Buffers) -> None:
        """Put buffers back. Of the sizes the one that came first goes; large buffers are not kept at all."""
        idle = self._idle.get(buffers.size)
        if idle is not None and len(idle) < KEPT:
            idle.append(buffers)
        elif idle is None and buffers.input.nbytes <= KEPT_BYTES:
            with self._lock:
                self._idle[buffers.size] = [buffers]
                for size in list(self._idle)[:-KEPT]:
                    del self._idle[size]
