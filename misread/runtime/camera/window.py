"""The live view: a window of OpenCV's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import cv2

from misread.errors import CameraError
from misread.runtime.board import ARMS
from misread.runtime.camera.loop import Command
from misread.runtime.camera.overlay import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.runtime.board import Arm
    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.tally import Tally

_ESCAPE: Final = 27
_ARMS: Final[Mapping[int, Arm]] = {ord(str(number)): arm for number, arm in enumerate(ARMS, start=1)}


class Window:
    """Shows each frame with what was read; `q`, Esc or closing it ends the run.

    The keys 1 to 4 name the arm by hand, and n begins a new clip.

    Raises:
        CameraError: There is no display, or this OpenCV was built without windows.

    """

    def __init__(self, title: str) -> None:
        self._title, self._open = title, False
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise CameraError("there is no display to open a window on; add --headless, or set DISPLAY")
        try:
            cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE)
        except cv2.error as error:
            raise CameraError(
                "this OpenCV cannot open windows (opencv-python-headless?); add --headless, or install opencv-python"
            ) from error
        self._open = True

    def show(self, observation: Observation, tally: Tally) -> Command | None:
        """Draw a frame and look at the keyboard."""
        cv2.imshow(self._title, draw(observation, tally.summaries()))
        return self.asked()

    def asked(self) -> Command | None:
        """Look at the keyboard."""
        key = cv2.waitKey(1) & 0xFF
        if key in {ord("q"), _ESCAPE} or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            return Command(quit=True)
        if key == ord("n"):
            return Command(cut=True)
        return Command(arm=_ARMS[key]) if key in _ARMS else None

    def close(self) -> None:
        """Take the window away."""
        if not self._open:
            return
        self._open = False
        try:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)
        except cv2.error:  # the user has closed it
            return
