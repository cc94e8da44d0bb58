"""A window of OpenCV's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import cv2

from misread.errors import CameraError

if TYPE_CHECKING:
    from misread.pixels import UInt8

_QUIT: Final = frozenset({ord("q"), 27})  # Esc


class Pane:
    """Shows pictures; `q`, Esc or closing it ask to end.

    Args:
        title: Of the window.
        otherwise: What to do where there can be none, as in "add --headless".

    Raises:
        CameraError: There is no display, or this OpenCV was built without windows.

    """

    def __init__(self, title: str, *, otherwise: str) -> None:
        self._title, self._open = title, False
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise CameraError(f"there is no display to open a window on; {otherwise}, or set DISPLAY")
        try:
            cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE)
        except cv2.error as error:
            message = (
                f"this OpenCV cannot open windows (opencv-python-headless?); {otherwise}, or install opencv-python"
            )
            raise CameraError(message) from error
        self._open = True

    def show(self, picture: UInt8, *, wait_ms: int = 1) -> int | None:
        """Show a picture, (h, w, 3) uint8 BGR; give the key that was pressed, 255 for none, or None to end.

        Args:
            picture: What to show.
            wait_ms: How long to look after the window, at least 1.

        """
        cv2.imshow(self._title, picture)
        return self.asked(wait_ms=wait_ms)

    def asked(self, *, wait_ms: int = 1) -> int | None:
        """Look after the window and the keyboard; as `show`, without a new picture."""
        key = cv2.waitKey(max(wait_ms, 1)) & 0xFF
        gone = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        return None if gone or key in _QUIT else key

    def close(self) -> None:
        """Take the window away. May be called twice."""
        if not self._open:
            return
        self._open = False
        try:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)
        except cv2.error:  # the user has closed it
            return
