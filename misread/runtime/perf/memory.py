"""How much memory this process holds, and has held at most.

Linux hands a child the peak of the process that started it, as `getrusage` tells it: a small build started from a large
process would look as large. The high-water mark in `/proc` begins anew with each program, so it comes first.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Resident memory of this process.

    Attributes:
        now_bytes: held at present; the peak where the system does not tell.
        peak_bytes: held at most since it started.
        source: who said so.
    """

    now_bytes: int
    peak_bytes: int
    source: str


def memory(status: Path = STATUS) -> Memory | None:
    """Return what this process holds, or None where the system tells nobody."""
    return _from_proc(status) or _from_getrusage()


def _from_proc(status: Path) -> Memory | None:
    try:
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines() if ":" in line)
        now, peak = (int(lines[name].split()[0]) * _KIB for name in ("VmRSS", "VmHWM"))
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return Memory(now_bytes=now, peak_bytes=peak, source="VmHWM")


def _from_getrusage() -> Memory | None:
    try:
        import resource
    except ImportError:  # no such thing on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else _KIB)
    return Memory(now_bytes=peak, peak_bytes=peak, source="getrusage")
