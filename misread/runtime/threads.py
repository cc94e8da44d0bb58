"""How many threads this process may use: onnxruntime counts the host's cores, also inside a container."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def usable_threads() -> int:
    """Return the processors in the affinity mask, fewer where a container quota allows less; at least 1."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, _quota(CPU_QUOTA)))


def _quota(path: Path) -> int:
    try:
        allowed, period = path.read_text().split()[:2]
        return math.ceil(int(allowed) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 2**16  # no cgroup v2, or "max": no quota
