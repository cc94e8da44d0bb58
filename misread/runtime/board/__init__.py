"""What hangs before the camera: a white board with a picture in the middle and four markers that name it."""

from __future__ import annotations

from misread.runtime.board.draw import draw_board
from misread.runtime.board.exhibit import ARMS, MAX_EXHIBITS, Arm, Exhibit, marker_id, read_marker_id
from misread.runtime.board.layout import Layout

__all__ = ["ARMS", "MAX_EXHIBITS", "Arm", "Exhibit", "Layout", "draw_board", "marker_id", "read_marker_id"]
