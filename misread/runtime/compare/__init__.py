"""Two readers on the same pictures: how often they agree, by how much they differ, and why."""

from __future__ import annotations

from misread.runtime.compare.options import CompareOptions
from misread.runtime.compare.result import Comparison, Flip, Percentiles, Side
from misread.runtime.compare.run import compare

__all__ = ["CompareOptions", "Comparison", "Flip", "Percentiles", "Side", "compare"]
