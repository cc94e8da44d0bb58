"""The attack contract in one import: a threat and a goal go in, an attack proposes, `execute` settles and measures."""

from __future__ import annotations

from misread.attack.budget import Budget
from misread.attack.execute import Outcome, execute
from misread.attack.goal import AnyOf, AwayFrom, Goal, Targeted, Untargeted, achieved, margin
from misread.attack.guard import untouched
from misread.attack.problem import Attack, Gradient, Kind, Model, Problem
from misread.attack.settle import Settled, settle
from misread.attack.threat import FULL_SCALE, NORMS, Norm, Threat

__all__ = [
    "FULL_SCALE",
    "NORMS",
    "AnyOf",
    "Attack",
    "AwayFrom",
    "Budget",
    "Goal",
    "Gradient",
    "Kind",
    "Model",
    "Norm",
    "Outcome",
    "Problem",
    "Settled",
    "Targeted",
    "Threat",
    "Untargeted",
    "achieved",
    "execute",
    "margin",
    "settle",
    "untouched",
]
