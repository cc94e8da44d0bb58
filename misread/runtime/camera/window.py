"""The live view: a window of OpenCV's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.runtime.board import ARMS
from misread.runtime.camera.loop import Command
from misread.runtime.camera.overlay import draw
from misread.runtime.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.runtime.board import Arm
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Tally

_ARMS: Final[Mapping[int, Arm]] = {ord(str(number)): arm for number, arm in enumerate(ARMS, start=1)}


class Window:
    """Shows each frame with what was read; `q`, Esc or closing it ends the run.

    The keys 1 to 4 name the arm by hand, and n begins a new clip.

    Raises:
        CameraError: There is no display, or this OpenCV was built without windows.

    """

    def __init__(self, title: str) -> None:
        self._pane = Pane(title, otherwise="add --headless")

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Draw a frame and look at the keyboard."""
        return _command(self._pane.show(draw(observation, tally.summaries())))

    def asked(self) -> Command | None:
        """Look at the keyboard."""
        return _command(self._pane.asked())

    def close(self) -> None:
        """Take the window away."""
        self._pane.close()


def _command(key: int | None) -> Command | None:
    if key is None:
        return Command(quit=True)
    if key == ord("n"):
        return Command(cut=True)
    return Command(arm=_ARMS[key]) if key in _ARMS else None
