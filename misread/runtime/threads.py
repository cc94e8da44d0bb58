"""How many threads this process may use: onnxruntime counts the host's cores, also inside a container."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_NO_QUOTA: Final = 2**16


@dataclass(frozen=True, kw_only=True, slots=True)
class Processors:
    """How many processors there are, and how many of them this process gets.

    Attributes:
        cores: that the system has.
        affinity: that this process may run on.
        quota: that a container allows it; None for no quota.
    """

    cores: int
    affinity: int
    quota: int | None

    @property
    def usable(self) -> int:
        """The least of them, and at least 1."""
        return max(1, self.affinity if self.quota is None else min(self.affinity, self.quota))


def processors() -> Processors:
    """Look at the system, the affinity mask and the container's quota."""
    cores = os.cpu_count() or 1
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    quota = _quota(CPU_QUOTA)
    return Processors(cores=cores, affinity=affinity, quota=None if quota == _NO_QUOTA else quota)


def usable_threads() -> int:
    """Return the processors in the affinity mask, fewer where a container quota allows less; at least 1."""
    return processors().usable


def _quota(path: Path) -> int:
    try:
        allowed, period = path.read_text().split()[:2]
        return math.ceil(int(allowed) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_QUOTA  # no cgroup v2, or "max": no quota
