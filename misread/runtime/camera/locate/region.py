"""Places that do not move: a given box, the middle of the frame, the whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from misread.errors import OptionError
from misread.runtime.camera.locate.target import Target, whole

if TYPE_CHECKING:
    from misread.pixels import UInt8


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A box in pixels of the frame."""

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse a box without area."""
        if not (self.left >= 0 and self.top >= 0 and self.width >= 8 and self.height >= 8):
            raise OptionError(f"a box is box:x,y,width,height in pixels, at least 8 wide and high, got {self}")

    def locate(self, frame: UInt8) -> Target | None:
        """Give the box; None when the frame is too small for it."""
        target = _target(self.left, self.top, self.width, self.height)
        return target if whole(target.corners, frame) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Centre:
    """The square in the middle; `share` of the frame's shorter side."""

    share: float = 0.6

    def __post_init__(self) -> None:
        """Refuse a share of nothing."""
        if not 0.05 <= self.share <= 1:
            raise OptionError(f"the square in the middle takes 0.05 to 1 of the frame's shorter side, got {self.share}")

    def locate(self, frame: UInt8) -> Target | None:
        """Give the square."""
        height, width = frame.shape[:2]
        side = round(min(height, width) * self.share)
        target = _target((width - side) // 2, (height - side) // 2, side, side)
        return target if whole(target.corners, frame) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """The whole frame."""

    def locate(self, frame: UInt8) -> Target | None:
        """Give all of it."""
        target = _target(0, 0, frame.shape[1], frame.shape[0])
        return target if whole(target.corners, frame) else None


def _target(left: int, top: int, width: int, height: int) -> Target:
    right, bottom = left + width, top + height
    return Target(corners=np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32))
