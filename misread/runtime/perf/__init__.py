"""How fast a build reads, how long it takes to start, and how much memory it wants; several builds in one run."""

from __future__ import annotations

from misread.runtime.perf.options import PerfOptions
from misread.runtime.perf.result import Perf
from misread.runtime.perf.run import perf

__all__ = ["Perf", "PerfOptions", "perf"]
