"""The virtual camera: a thread that films the script, and a server that shows it like any network camera."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from misread.errors import CameraError, OptionError
from misread.runtime.rig.film import Film
from misread.runtime.rig.outlet import Outlet
from misread.runtime.rig.pose import Camera
from misread.runtime.rig.script import Script, Shot, plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from misread.runtime.board import Exhibit


class VirtualCamera:
    """Films exhibits on a drawn street and serves the frames as MJPEG on loopback. Use it as a context manager.

    Args:
        exhibits: What hangs on the board in turn.
        script: Clips, poses and seed.
        camera: Frame size and focal length.
        fps: Frames per second, viewers that are slow miss some; None films as fast as all viewers take the frames, and
            none is lost; only with MJPEG.
        loop: Start over at the end of the script; otherwise the stream ends there.
        transport: One of `TRANSPORTS`; all but MJPEG encode H.264 in a process of their own, with the extra `video`.
        port: Where to listen on 127.0.0.1; 0 for a free port.

    Raises:
        MissingExtra: H.264 without PyAV.
        OptionError: A rate, port or picture size without sense.
        UnknownName: No such transport.

    """

    def __init__(
        self,
        exhibits: Sequence[Exhibit],
        script: Script,
        *,
        camera: Camera | None = None,
        fps: float | None = None,
        loop: bool = False,
        transport: str = "mjpeg",
        port: int = 0,
    ) -> None:
        if fps is not None and not 0 < fps <= 1000:
            raise OptionError(f"fps is above 0 and at most 1000, got {fps}; None films as fast as it is watched")
        self._camera = camera or Camera()
        size, jpeg = (self._camera.width, self._camera.height), script.profile.codec().encode
        self.outlet = Outlet(transport, port, size=size, fps=fps, jpeg=jpeg)
        self.shots: tuple[Shot, ...] = plan(script, len(exhibits))
        self.script, self.film = script, Film(script, exhibits, self._camera)
        self._fps, self._loop = fps, loop
        self._failure: CameraError | None = None
        self._thread = threading.Thread(target=self._run, name="misread-rig-film")
        self._finished = threading.Event()

    def __enter__(self) -> Self:
        """Start filming."""
        self.outlet.open()
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
        return self.outlet.url

    @property
    def finished(self) -> bool:
        """Whether the whole script has been served."""
        return self._finished.is_set()

    def stop(self) -> None:
        """Stop filming and serving. May be called twice."""
        self.outlet.end()
        if self._thread.is_alive():
            self._thread.join()
        self.outlet.close()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the film ends or the time is up.

        Raises:
            CameraError: The film broke off.

        """
        self._thread.join(seconds)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._show()
        except CameraError as error:  # told to who waits
            self._failure = error
        finally:
            self.outlet.viewers.end()  # whatever happened, nobody waits for a frame that will not come

    def _show(self) -> None:
        due = time.monotonic()
        while not self.outlet.viewers.ended:
            for shot in self.shots:
                payload = self.outlet.encode(self.film.render(shot))
                if self._fps is not None:
                    due = max(due + 1 / self._fps, time.monotonic() - 1)
                    time.sleep(max(due - time.monotonic(), 0))
                if not self.outlet.publish(payload):
                    return
            if not self._loop:
                break
        if self.outlet.viewers.drain():
            self._finished.set()  # before the end, so that who sees the end knows that it is the proper one
