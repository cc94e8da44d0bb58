"""Records what was filmed, in a thread of its own, so that a run can be replayed to the same numbers."""

from __future__ import annotations

import threading
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final, Self

from misread.runtime.camera.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from misread.runtime.board import Arm
    from misread.runtime.source import Frame, Gap, Health
    from misread.runtime.source.recording import Origin

#: As many frames may wait to be written; then who brings the next one waits, since none that was read may be missing.
DEPTH: Final = 8


class Recorder:
    """Hands frames to a thread that writes them. Use it as a context manager, which ends the thread.

    Args:
        folder: Of the run.
        origin: Goes into the first line.
        on: Whether it records from the first frame; it can be switched later.

    """

    def __init__(self, folder: Path, origin: Origin, *, on: bool = True) -> None:
        self._tape, self._on = Tape(folder, origin), on
        self._cue: Arm | str | None = None
        self._jobs: Queue[Callable[[], None] | None] = Queue(DEPTH)
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits, or after a failure forget it, and close the files."""
        self._finish(forget=kind is not None)

    @property
    def on(self) -> bool:
        """Whether frames are kept; when the disk is full they no longer are."""
        return self._on and not self._tape.ended

    @on.setter
    def on(self, wanted: bool) -> None:
        self._on = wanted

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of a result should know; complete after the end."""
        return self._tape.notes

    def cue(self, arm: Arm | None) -> None:
        """Note that a clip was ended, perhaps for another arm; it goes with the next frame."""
        self._cue = arm or self._cue or ""

    def gap(self, gap: Gap) -> None:
        """Note a gap."""
        if self.on:
            self._put(lambda: self._tape.gap(gap))

    def add(self, frame: Frame) -> None:
        """Keep a frame; waits while too many wait to be written. Where the disk is full the run goes on without."""
        if not self.on:
            self._cue = self._cue or ""  # what is filmed next is another clip
            return
        cue, self._cue = self._cue, None
        self._put(lambda: self._tape.add(frame, cue))

    def end(self, health: Health) -> None:
        """Write what waits and the last line, with what the source said of itself, and check the film."""
        if self._thread is not None:
            self._put(lambda: self._tape.end(health))
        self._finish(forget=False)

    def _put(self, job: Callable[[], None]) -> None:
        if self._error is not None:
            raise self._error
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="misread-recorder")
            self._thread.start()
        self._jobs.put(job)

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is not None:
                continue
            try:
                job()
            except Exception as error:  # noqa: BLE001  whatever it is, it is raised where somebody sees it
                self._error = error
        self._tape.close()

    def _finish(self, *, forget: bool) -> None:
        if self._thread is None:
            return
        while forget:
            try:
                self._jobs.get_nowait()
            except Empty:
                break
        self._jobs.put(None)
        self._thread.join()
        self._thread = None
        if self._error is not None and not forget:
            raise self._error
