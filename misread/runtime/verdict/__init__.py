"""What verification says, as plain values: per witness, per build, per rung, and in one sentence."""

from __future__ import annotations

from misread.runtime.verdict.build import BuildVerdict, failed_words
from misread.runtime.verdict.whole import FilmedWitness, GateResult, Step, Verification
from misread.runtime.verdict.witness import Judgement, Look, Verdict, contested, decide

__all__ = [
    "BuildVerdict",
    "FilmedWitness",
    "GateResult",
    "Judgement",
    "Look",
    "Step",
    "Verdict",
    "Verification",
    "contested",
    "decide",
    "failed_words",
]
