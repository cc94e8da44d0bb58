"""Cutting a run of frames into clips, the unit of statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from misread.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipRules:
    """When a clip ends.

    Attributes:
        lost_frames: Target lost for this many frames in a row.
        gap_s: No frame, or none with the target, for this long.

    """

    lost_frames: int = 3
    gap_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse rules that never or always end a clip."""
        if not (self.lost_frames >= 1 and self.gap_s > 0):
            raise OptionError(f"a clip ends after at least 1 lost frame and a gap above 0 s, got {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a frame belongs.

    Attributes:
        clip: Number of the clip, or None outside of any.
        first: Whether it is the clip's first frame.
        bridged: Frames of this clip, just before this one, in which the target was lost.

    """

    clip: int | None
    first: bool = False
    bridged: int = 0


class Clips:
    """Numbers clips as frames come in. A change of what is shown, a loss or a gap begins a new one."""

    def __init__(self, rules: ClipRules | None = None) -> None:
        self._rules = rules or ClipRules()
        self._number = -1
        self._shown: Hashable | None = None
        self._last_ns = 0
        self._lost = 0

    def place(self, shown: Hashable | None, time_ns: int) -> Place:
        """Take the next frame.

        Args:
            shown: What is seen: anything that is equal within a clip and differs between them; None when lost.
            time_ns: Of the frame.

        """
        if shown is None:
            self._lost += 1
            if self._lost >= self._rules.lost_frames:
                self._shown = None
            return Place(clip=None)
        late = (time_ns - self._last_ns) * 1e-9 > self._rules.gap_s
        first = self._shown != shown or late
        bridged = 0 if first else self._lost
        self._number += first
        self._shown, self._last_ns, self._lost = shown, time_ns, 0
        return Place(clip=self._number, first=first, bridged=bridged)

    def cut(self) -> None:
        """End the clip that is open."""
        self._shown = None
