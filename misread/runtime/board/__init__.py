"""What hangs before the camera: a white board with a picture in the middle and markers of two sizes that name it."""

from __future__ import annotations

from misread.runtime.board.draw import draw_board, marker_bits
from misread.runtime.board.exhibit import (
    ARMS,
    CORNER_DICTIONARY,
    EDGE_DICTIONARY,
    MAX_EXHIBITS,
    Arm,
    Exhibit,
    Mark,
    edge_marker_id,
    marker_id,
    read_marker,
    read_marker_id,
)
from misread.runtime.board.layout import Layout

__all__ = [
    "ARMS",
    "CORNER_DICTIONARY",
    "EDGE_DICTIONARY",
    "MAX_EXHIBITS",
    "Arm",
    "Exhibit",
    "Layout",
    "Mark",
    "draw_board",
    "edge_marker_id",
    "marker_bits",
    "marker_id",
    "read_marker",
    "read_marker_id",
]
