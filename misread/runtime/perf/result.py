"""What was measured, and whether it is quick enough."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.perf.conditions import Conditions
    from misread.runtime.perf.summary import Ratio, Timing


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build that was measured.

    Attributes:
        name: unique within the result.
        path: of its file.
        size_bytes: of the file.
        precision: as in `fp32`, read off its operators; empty where that cannot be told.
        fixed_batch: pictures per call where that is not free.
        fingerprint: what runs, at the first of the thread counts.
    """

    name: str
    path: Path
    size_bytes: int
    precision: str
    fixed_batch: int | None
    fingerprint: Fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class Cold:
    """What it takes to start: medians over fresh processes.

    Attributes:
        starts: how many.
        start_ms: from the start of the process to its first answer.
        start_least_ms: of the quickest.
        start_most_ms: of the slowest.
        python_ms: of the start, until Python, numpy, OpenCV, onnxruntime and misread were there.
        load_ms: of the start, making the session.
        first_ms: of the start, the first inference.
        peak_bytes: resident memory at most; None where the system does not tell.
        baseline_bytes: of these, what was held before the build was loaded; likewise.
        memory_source: who told: `VmHWM` or `getrusage`.
    """

    starts: int
    start_ms: float
    start_least_ms: float
    start_most_ms: float
    python_ms: float
    load_ms: float
    first_ms: float
    peak_bytes: int | None
    baseline_bytes: int | None
    memory_source: str

    @property
    def build_bytes(self) -> int | None:
        """What the build itself adds to the process."""
        if self.peak_bytes is None or self.baseline_bytes is None:
            return None
        return self.peak_bytes - self.baseline_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One build in one setting.

    Attributes:
        build: its name.
        batch: pictures per call; its own where that is fixed.
        prepare: picture to input.
        run: onnxruntime alone.
        read: the whole.
        drift: how many times as long a run took at the end as at the beginning; None with few rounds.
        cold: None where no fresh process was asked for.
        run_speedup: over the first build, per picture; None for the first.
        read_speedup: likewise, of the whole read.
    """

    build: str
    batch: int
    prepare: Timing
    run: Timing
    read: Timing
    drift: float | None
    cold: Cold | None
    run_speedup: Ratio | None
    read_speedup: Ratio | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """All builds in one setting.

    Attributes:
        batch: pictures per call that were asked for.
        threads: intra-operator threads.
        measured: one entry a build, in order.
    """

    batch: int
    threads: int
    measured: tuple[Measured, ...]

    @property
    def name(self) -> str:
        """As in `batch 1, 2 threads`."""
        return f"batch {self.batch}, {self.threads} thread{'s' * (self.threads != 1)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A limit that was set, in one setting.

    Attributes:
        passed: whether it was kept.
        said: in words, with the figure.
    """

    passed: bool
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Perf:
    """What `misread perf` found.

    Attributes:
        builds: in the order given; the first is what the others are compared with.
        settings: every batch with every number of threads.
        pictures: what was read.
        iterations: timings of each step that were asked for.
        warmup: untimed calls before.
        seed: of noise and resampling.
        spinning: whether idle threads spin.
        conditions: what the machine was doing.
        notes: what a reader of these figures should know.
        gates: the limits that were set.

    Examples:
        >>> misread.perf("signs.onnx", iterations=20, starts=0).exit_code
        0
    """

    builds: tuple[Build, ...]
    settings: tuple[Setting, ...]
    pictures: str
    iterations: int
    warmup: int
    seed: int
    spinning: bool
    conditions: Conditions
    notes: tuple[str, ...]
    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit was kept; so where none was set."""
        return all(gate.passed for gate in self.gates)

    @property
    def exit_code(self) -> int:
        """0, or 1 where a limit was not kept."""
        return 0 if self.passed else 1

    @property
    def sentence(self) -> str:
        """The verdict of the gates, or the first comparison there is, or the first build's own speed."""
        broken = [gate.said for gate in self.gates if not gate.passed]
        if broken:
            more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
            return f"too slow: {broken[0]}{more}"
        if self.gates:
            every = f"all {len(self.gates)} limits are kept"
            return f"quick enough: {every if len(self.gates) > 1 else self.gates[0].said}"
        setting = self.settings[0]
        first, last = setting.measured[0], setting.measured[-1]
        if last.run_speedup is not None:
            return f"{last.build} runs {ratio_text(last.run_speedup)} as fast as {first.build} ({setting.name})"
        return f"{first.build} reads {first.read.pictures_per_s:.4g} pictures a second ({setting.name})"


def ratio_text(ratio: Ratio) -> str:
    """Say a ratio with its interval, as in `2.13 times (95 % CI 2.05-2.20)`."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.2f} times (too few rounds for an interval)"
    return f"{ratio.value:.2f} times (95 % CI {ratio.low:.2f}-{ratio.high:.2f})"
