"""Where things are on the board, in shares of its side.

Coordinates are continuous: the board spans [0, 1] x [0, 1], x to the right and y down. In pictures a pixel covers
[i, i + 1), so its centre is at i + 0.5; OpenCV's warps and detectors put it at i,
and whoever calls them shifts by half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError
from misread.runtime.board.exhibit import (
    CORNER_DICTIONARY,
    CORNERS,
    EDGE_DICTIONARY,
    EDGES,
    edge_marker_id,
    marker_id,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.runtime.board.exhibit import Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The geometry of a board.

    Attributes:
        picture: Side of the square that the picture is fitted into, in shares of the board's side.
        marker: Side of a marker.
        margin: White between a marker and the board's edge.
        edge_marker: Side of the eight small markers between the corners, seen close up when those leave the frame.
        edge_offset: From the middle of an edge to the centre of a small marker on it.

    """

    picture: float = 0.6
    marker: float = 0.15
    margin: float = 0.025
    edge_marker: float = 0.075
    edge_offset: float = 0.2

    def __post_init__(self) -> None:
        """Refuse markers that touch the picture or lack a quiet zone of one module (a sixth of the marker)."""
        if not (0 < self.marker < 1 and self.margin >= self.marker / 6 and 0 < self.picture < 1):
            message = f"markers need a quiet zone of a sixth of their side, got {self}"
            raise OptionError(message)
        if not self.margin + self.marker < (1 - self.picture) / 2:
            message = f"the markers would touch the picture: margin + marker must be below {(1 - self.picture) / 2:.3f}"
            raise OptionError(message)
        ends = self.edge_offset + self.edge_marker / 2 + self.edge_marker / 8, 0.5 - self.margin - self.marker
        apart = self.edge_offset - self.edge_marker / 2 >= self.edge_marker / 8
        if not (0 < self.edge_marker <= self.marker and apart and ends[0] < ends[1]):
            message = f"the small markers lie apart, between those in the corners, and are no larger, got {self}"
            raise OptionError(message)

    def markers(self, exhibit: int) -> dict[Mark, NDArray[np.float32]]:
        """Give every marker of an exhibit with its (4, 2) corners, the four large ones first."""
        large = {(CORNER_DICTIONARY, marker_id(exhibit, at)): self.marker_corners(at) for at in range(CORNERS)}
        small = {(EDGE_DICTIONARY, edge_marker_id(exhibit, at)): self.edge_marker_corners(at) for at in range(EDGES)}
        return large | small

    def edge_marker_corners(self, place: int) -> NDArray[np.float32]:
        """Give the (4, 2) corners of a small marker: two to an edge, clockwise from the top left."""
        side, out = self.edge_marker, 0.5 - self.margin - self.edge_marker / 2
        along = (-self.edge_offset, self.edge_offset)[place % 2]
        x, y = ((along, -out), (out, along), (-along, out), (-out, -along))[place // 2]
        left, top = 0.5 + x - side / 2, 0.5 + y - side / 2
        return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], np.float32)

    def marker_corners(self, corner: int) -> NDArray[np.float32]:
        """Give the (4, 2) corners of a marker (top left, top right, bottom right, bottom left)."""
        near, far = self.margin, 1 - self.margin - self.marker
        x, y = ((near, near), (far, near), (far, far), (near, far))[corner]
        side = self.marker
        return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)

    def picture_corners(self, aspect: float = 1.0) -> NDArray[np.float32]:
        """Give the (4, 2) corners of a picture of this aspect (width over height), fitted into the middle."""
        width = self.picture * min(1.0, aspect)
        height = self.picture * min(1.0, 1 / aspect)
        left, top = (1 - width) / 2, (1 - height) / 2
        return np.array(
            [[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32
        )
