"""The virtual camera: a thread that films the script, and a server that shows it like any network camera."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from misread.errors import OptionError
from misread.runtime.rig.broadcast import Broadcast
from misread.runtime.rig.film import Film
from misread.runtime.rig.script import Script, Shot, plan
from misread.runtime.rig.server import MjpegServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from misread.runtime.board import Exhibit
    from misread.runtime.rig.pose import Camera

NOMINAL_FPS = 30.0


class VirtualCamera:
    """Films exhibits on a drawn street and serves the frames as MJPEG on loopback. Use it as a context manager.

    Args:
        exhibits: What hangs on the board in turn.
        script: Clips, poses and seed.
        camera: Frame size and focal length.
        fps: Frames per second, viewers that are slow miss some; None films as fast as all viewers take the frames, and
            none is lost.
        loop: Start over at the end of the script; otherwise the stream ends there.

    """

    def __init__(
        self,
        exhibits: Sequence[Exhibit],
        script: Script,
        *,
        camera: Camera | None = None,
        fps: float | None = None,
        loop: bool = False,
    ) -> None:
        if fps is not None and not 0 < fps <= 1000:
            raise OptionError(f"fps is above 0 and at most 1000, got {fps}; None films as fast as it is watched")
        self.shots: tuple[Shot, ...] = plan(script, len(exhibits))
        self.script, self.film = script, Film(script, exhibits, camera)
        self._encode: Callable[..., bytes] = script.profile.codec().encode
        self._fps, self._loop = fps, loop
        self._broadcast = Broadcast(lockstep=fps is None)
        self._server: MjpegServer | None = None
        self._thread = threading.Thread(target=self._run, name="misread-rig-film")
        self._finished = threading.Event()

    def __enter__(self) -> Self:
        """Start filming."""
        self._server = MjpegServer(self._broadcast)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and wait for every thread."""
        self.stop()

    @property
    def url(self) -> str:
        """Where the frames are served.

        Raises:
            OptionError: The camera is not running.

        """
        if self._server is None:
            raise OptionError("the virtual camera has no address before it is started; use it in a with statement")
        return self._server.url

    @property
    def finished(self) -> bool:
        """Whether the whole script has been served."""
        return self._finished.is_set()

    def stop(self) -> None:
        """Stop filming and serving. May be called twice."""
        self._broadcast.end()
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._show()
        finally:
            self._broadcast.end()  # whatever happened, nobody waits for a frame that will not come

    def _show(self) -> None:
        due = time.monotonic()
        while not self._broadcast.ended:
            for shot in self.shots:
                jpeg = self._encode(self.film.render(shot))
                if self._fps is not None:
                    due = max(due + 1 / self._fps, time.monotonic() - 1)
                    time.sleep(max(due - time.monotonic(), 0))
                if not self._broadcast.publish(jpeg):
                    return
            if not self._loop:
                break
        if self._broadcast.drain():
            self._finished.set()  # before the end, so that who sees the end knows that it is the proper one
