"""`misread rig --transport window`: the boards on a screen, to be filmed by somebody else's camera."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from misread.errors import OptionError
from misread.runtime.board import draw_board
from misread.runtime.pane import Pane
from misread.runtime.rig.film import Film
from misread.runtime.rig.script import Script, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from misread.pixels import UInt8
    from misread.runtime.board import Exhibit
    from misread.runtime.rig.script import Shot

TITLE: Final = "misread rig"
WINDOW: Final = "window"
_GREY: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """How a show went.

    Attributes:
        frames: Pictures shown.
        ended: `time`, `quit` (a key, or the window was closed) or `interrupted` (Ctrl-C).

    """

    frames: int
    ended: str


def show(
    exhibits: Sequence[Exhibit],
    script: Script,
    *,
    fps: float,
    seconds: float | None = None,
    upright: bool = False,
    on_ready: Callable[[], None] | None = None,
) -> Shown:
    """Show boards clip after clip in a window, over and over, with blanks between: the camera is the channel here.

    Args:
        exhibits: What hangs on the board in turn.
        script: Order, clips, poses and seed; its profile plays no part.
        fps: Pictures per second.
        seconds: When to end, or None.
        upright: The boards alone, as large as the window, for a camera that is moved by hand; otherwise in the script's
            poses in its street.
        on_ready: Is told once the first picture is up.

    Raises:
        CameraError: There is no display.
        OptionError: No exhibit, or a rate or time without sense.

    """
    if not 0 < fps <= 1000 or (seconds is not None and not seconds > 0):
        raise OptionError(f"a show has above 0 and at most 1000 pictures a second for above 0 s, got {fps}, {seconds}")
    shots, picture = plan(script, len(exhibits)), _Picture(exhibits, script, upright=upright)
    pane = Pane(TITLE, otherwise="choose another --transport")
    frames, begun = 0, time.monotonic()
    due, end = begun, begun + (float("inf") if seconds is None else seconds)
    try:
        for shot in _endless(shots):
            drawn = picture.of(shot)
            due = max(due + 1 / fps, time.monotonic() - 1)
            # Waiting in the window's own loop keeps it painted and listening.
            if pane.show(drawn, wait_ms=round(1000 * (due - time.monotonic()))) is None:
                return Shown(frames=frames, ended="quit")
            frames += 1
            if on_ready is not None and frames == 1:
                on_ready()
            if time.monotonic() >= end:
                return Shown(frames=frames, ended="time")
    except KeyboardInterrupt:
        pass
    finally:
        pane.close()
    return Shown(frames=frames, ended="interrupted")


@dataclass(slots=True)
class _Picture:
    """Pictures of shots, BGR; what stands still is drawn once."""

    exhibits: Sequence[Exhibit]
    script: Script
    upright: bool
    film: Film = field(init=False)
    boards: dict[int | None, UInt8] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.film = Film(self.script, self.exhibits)

    def of(self, shot: Shot) -> UInt8:
        if not self.upright:
            return np.asarray(cv2.cvtColor(self.film.scene(shot), cv2.COLOR_RGB2BGR), np.uint8)
        if shot.exhibit not in self.boards:
            side = self.film.camera.height
            blank = np.full((side, side, 3), _GREY, np.uint8)
            board = blank if shot.exhibit is None else draw_board(self.exhibits[shot.exhibit], side)
            self.boards[shot.exhibit] = np.ascontiguousarray(board[..., ::-1])
        return self.boards[shot.exhibit]


def _endless(shots: Sequence[Shot]) -> Iterator[Shot]:
    while True:
        yield from shots
