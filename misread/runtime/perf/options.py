"""What to measure, and how long."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.runtime.perf.summary import fewest
from misread.runtime.session import MAX_BATCH, SessionOptions

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts

MAX_BUILDS: Final = 16
MAX_ITERATIONS: Final = 1_000_000
MAX_STARTS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class PerfOptions:
    """What to measure.

    Attributes:
        builds: ONNX files; the first is what the others are compared with. One that is given twice is measured twice,
            which shows how far a ratio of 1 may wander here.
        card: what the flags say for builds that do not say how they are fed.
        data: pictures to read; None makes noise of the card's size.
        batches: pictures per call; a build whose batch is fixed is measured at its own.
        session: how onnxruntime runs every build; its threads give way to `threads`.
        threads: intra-operator threads; 0 takes what this process may use.
        iterations: timings of each step, per build and setting.
        warmup: untimed calls of each step before the first that counts.
        seconds: bound of all warm timings together, shared evenly by the settings; each gets one round at least.
        starts: fresh processes per build and setting, for cold start and memory; 0 leaves both out.
        child_seconds: a fresh process that takes longer is stopped.
        seed: of the noise pictures and of the resampling behind each interval.
        max_p95_ms: gate: the 95th percentile of the whole read, of every build in every setting.
        min_speedup: gate: how many times as fast as the first every other build must run, in every setting.
    """

    builds: tuple[Path, ...]
    card: ModelCard | CardFacts | None = None
    data: Path | None = None
    batches: tuple[int, ...] = (1,)
    session: SessionOptions = field(default_factory=SessionOptions)
    threads: tuple[int, ...] = (0,)
    iterations: int = 300
    warmup: int = 10
    seconds: float = 60.0
    starts: int = 3
    child_seconds: float = 120.0
    seed: int = 0
    max_p95_ms: float | None = None
    min_speedup: float | None = None

    def __post_init__(self) -> None:
        """Refuse what has no answer."""
        if not 1 <= len(self.builds) <= MAX_BUILDS:
            raise OptionError(f"give 1 to {MAX_BUILDS} builds to measure, got {len(self.builds)}")
        if not (self.batches and all(1 <= batch <= MAX_BATCH for batch in self.batches)):
            raise OptionError(f"a batch is 1 to {MAX_BATCH} pictures, got {_listed(self.batches)}")
        if not self.threads:
            raise OptionError("give the number of threads, or 0 for what this process may use, got none")
        for threads in self.threads:
            replace(self.session, threads=threads)
        for name, value, least, most in (
            ("iterations", self.iterations, 1, MAX_ITERATIONS),
            ("warmup", self.warmup, 1, MAX_ITERATIONS),
            ("starts", self.starts, 0, MAX_STARTS),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            if not least <= value <= most:
                raise OptionError(f"{name} is a whole number from {least} to {most}, got {value}")
        for name, bound in (("seconds", self.seconds), ("child_seconds", self.child_seconds)):
            if not (math.isfinite(bound) and bound > 0):
                raise OptionError(f"{name} is a number above 0, got {bound}")
        self._check_gates()

    def _check_gates(self) -> None:
        for name, gate in (("max_p95_ms", self.max_p95_ms), ("min_speedup", self.min_speedup)):
            if gate is not None and not (math.isfinite(gate) and gate > 0):
                raise OptionError(f"{name} is a number above 0, got {gate}")
        if self.max_p95_ms is not None and self.iterations < fewest(95):
            raise OptionError(
                f"a 95th percentile needs {fewest(95)} timings or more, got --iterations {self.iterations}; raise it"
            )
        if self.min_speedup is not None and len(self.builds) < 2:
            raise OptionError("a speedup is of a second build over the first, got one build; give both")


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values)) or "none"
