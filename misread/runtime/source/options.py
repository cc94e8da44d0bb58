"""How sources are opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from misread.errors import OptionError
from misread.runtime.source.lock import Lock

if TYPE_CHECKING:
    from misread.runtime.board import Exhibit
    from misread.runtime.rig import Script


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """Settings of every kind of source; each takes what concerns it.

    Attributes:
        open_timeout_s: How long a stream may take to answer.
        read_timeout_s: How long a stream may be silent.
        retries: How often a lost source is opened again before it counts as gone.
        backoff_s: Wait before the first of these attempts; doubled each time, to at most 30 s.
        width: Wished of a device, or 0 to take what it gives.
        height: Likewise.
        lock: What a device holds still, or None to leave its automatisms on.
        fps: How often a screen is grabbed; time base of picture folders and of the virtual camera as fast as it is
            watched.
        exhibits: What the virtual camera films.
        script: How it films them.
        rig_fps: Frames per second of the virtual camera, or None for as fast as they are taken, none lost.

    """

    open_timeout_s: float = 5.0
    read_timeout_s: float = 3.0
    retries: int = 4
    backoff_s: float = 0.5
    width: int = 1280
    height: int = 720
    lock: Lock | None = field(default_factory=Lock)
    fps: float = 30.0
    exhibits: tuple[Exhibit, ...] = ()
    script: Script | None = None
    rig_fps: float | None = None

    def __post_init__(self) -> None:
        """Refuse times that never end or are none."""
        if not (0 < self.open_timeout_s <= 120 and 0 < self.read_timeout_s <= 120):
            raise OptionError(
                f"timeouts are above 0 and at most 120 s, got {self.open_timeout_s}, {self.read_timeout_s}"
            )
        if not (0 <= self.retries <= 100 and 0 <= self.backoff_s <= 30):
            raise OptionError(f"retries are 0 to 100, the back-off 0 to 30 s, got {self.retries}, {self.backoff_s}")
        if not (0 < self.fps <= 1000 and 0 <= self.width <= 16384 and 0 <= self.height <= 16384):
            raise OptionError(f"fps is 0 to 1000 and sizes 0 to 16384, got {self.fps}, {self.width}, {self.height}")
