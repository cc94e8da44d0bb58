"""The path before the model, stage by stage: what was fed, what should have been, and which stage departs."""

from __future__ import annotations

from misread.runtime.compare.path.cards import compare_cards
from misread.runtime.compare.path.function import explain_function
from misread.runtime.compare.path.recorded import Recorded
from misread.runtime.compare.path.result import Change, Effect, PathFinding, Residual, Tried
from misread.runtime.compare.path.search import explain

__all__ = [
    "Change",
    "Effect",
    "PathFinding",
    "Recorded",
    "Residual",
    "Tried",
    "compare_cards",
    "explain",
    "explain_function",
]
