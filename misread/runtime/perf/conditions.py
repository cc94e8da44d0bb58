"""What else was going on: a latency without its machine's state is half a figure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM: Final = Path("/sys/devices/system/cpu")
THERMAL: Final = Path("/sys/class/thermal")
STAT: Final = Path("/proc/stat")
_STOLEN: Final = 7
_IDLE: Final = (3, 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """The machine at one moment.

    Attributes:
        load: mean number of processes that wanted a processor during the last minute; None where nobody tells.
        busy_s: processor time that all have used since the machine started; likewise.
        stolen_s: processor time that the host of this virtual machine kept for others; likewise.
        idle_s: processor time that nobody wanted; likewise.
        own_s: processor time that this process and the children that ended have used.
        celsius: of the hottest zone that the system tells.
        throttled: how often a core was slowed because it was hot; likewise.
    """

    load: float | None
    busy_s: float | None
    stolen_s: float | None
    idle_s: float | None
    own_s: float
    celsius: float | None
    throttled: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What the machine was doing while it was measured.

    Attributes:
        governor: of the processors' clock; empty where the system does not tell.
        load_before: see `Moment.load`, before the first measurement.
        load_after: likewise, after the last.
        others: share of the processors that other processes took meanwhile, in [0, 1]; None where nobody tells.
        stolen: share that the host of this virtual machine kept for others; likewise.
        celsius_before: of the hottest zone.
        celsius_after: likewise.
        throttled: how often a core was slowed because it was hot.
    """

    governor: str
    load_before: float | None
    load_after: float | None
    others: float | None
    stolen: float | None
    celsius_before: float | None
    celsius_after: float | None
    throttled: int | None


def now(*, stat: Path = STAT, system: Path = SYSTEM, thermal: Path = THERMAL) -> Moment:
    """Look at the machine."""
    busy, stolen, idle = _processors(stat)
    mine = os.times()
    zones = [value / 1000 for value in _numbers(thermal.glob("thermal_zone*/temp")) if value > 0]
    counts = _numbers(system.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"))
    return Moment(
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        busy_s=busy,
        stolen_s=stolen,
        idle_s=idle,
        own_s=mine.user + mine.system + mine.children_user + mine.children_system,
        celsius=max(zones, default=None),
        throttled=sum(counts) if counts else None,
    )


def between(before: Moment, after: Moment, *, system: Path = SYSTEM) -> Conditions:
    """Say what went on between two moments."""
    busy, stolen, idle = (
        _less(getattr(after, name), getattr(before, name)) for name in ("busy_s", "stolen_s", "idle_s")
    )
    others: float | None = None
    kept: float | None = None
    if busy is not None and stolen is not None and idle is not None and busy + stolen + idle > 0:
        whole = busy + stolen + idle
        others = max(0.0, busy - (after.own_s - before.own_s)) / whole
        kept = stolen / whole
    return Conditions(
        governor=governor(system),
        load_before=before.load,
        load_after=after.load,
        others=others,
        stolen=kept,
        celsius_before=before.celsius,
        celsius_after=after.celsius,
        throttled=None if after.throttled is None or before.throttled is None else after.throttled - before.throttled,
    )


def governor(system: Path = SYSTEM) -> str:
    """Return what rules the processors' clocks, as in `performance`; several with commas, empty where nobody tells."""
    texts = (_text(path) for path in system.glob("cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(sorted({text for text in texts if text}))


def _processors(stat: Path) -> tuple[float | None, float | None, float | None]:
    """Return (busy, stolen, idle) seconds of all processors together."""
    try:
        ticks = [int(word) for word in _text(stat).split("\n", 1)[0].split()[1:9]]
        hertz = os.sysconf("SC_CLK_TCK")
        idle, stolen = sum(ticks[at] for at in _IDLE), ticks[_STOLEN]
    except (ValueError, IndexError, OSError, AttributeError):
        return None, None, None
    return (sum(ticks) - idle - stolen) / hertz, stolen / hertz, idle / hertz


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _numbers(paths: Iterable[Path]) -> list[int]:
    texts = [_text(path) for path in paths]
    return [int(text) for text in texts if text.lstrip("-").isdecimal()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
