"""What a fresh process does: load one build, answer once, run a little, and say what that took.

It is started by `misread.runtime.perf.fresh`, reads one JSON document from standard input and writes one line of JSON.
The clock is `time.monotonic_ns`, which is the same for all processes of a machine.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from misread.card import ModelCard
from misread.runtime.perf.memory import memory
from misread.runtime.perf.subject import Subject, noise
from misread.runtime.session import Deployed, SessionOptions
from misread.runtime.session.graph import Graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What the process is to do.

    Attributes:
        path: the ONNX file.
        card: its card, so that it need not be looked for again.
        session: how onnxruntime runs it.
        batch: pictures per call.
        runs: calls after the first, before the peak of memory is read.
        seed: of the noise pictures.
    """

    path: Path
    card: ModelCard
    session: SessionOptions
    batch: int
    runs: int
    seed: int

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps({**asdict(self), "path": str(self.path)})

    @classmethod
    def of(cls, text: str) -> Task:
        """Read what `text` returned."""
        said = json.loads(text)
        card = ModelCard(**{name: _frozen(value) for name, value in said["card"].items()})
        session = SessionOptions(**{name: _frozen(value) for name, value in said["session"].items()})
        return cls(**{**said, "path": Path(said["path"]), "card": card, "session": session})


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What one fresh process saw.

    Attributes:
        start_ms: from the start of the process to its first answer.
        python_ms: of these, until Python, numpy, OpenCV, onnxruntime and misread were there.
        load_ms: of these, making the session.
        first_ms: of these, the first inference.
        peak_bytes: resident memory at most; None where the system does not tell.
        baseline_bytes: resident memory before the build was loaded; likewise.
        memory_source: who told.
    """

    start_ms: float
    python_ms: float
    load_ms: float
    first_ms: float
    peak_bytes: int | None
    baseline_bytes: int | None
    memory_source: str


def start(task: Task, *, started_ns: int, clock: Any = time.monotonic_ns) -> Started:
    """Load, answer once, run a little.

    Args:
        task: what to do.
        started_ns: when the process was started, by the same clock.
        clock: in nanoseconds.
    """
    ready_ns = clock()
    before = memory()
    session = ort.InferenceSession(
        str(task.path), task.session.native(), providers=task.session.native_providers(), enable_fallback=0
    )
    loaded_ns = clock()
    deployed = Deployed(task.path, session, task.card, task.session, Graph.of(session))
    subject = Subject(deployed, noise(task.card, task.batch, np.random.default_rng(task.seed)), task.batch)
    first_ns = clock()
    subject.run(0)
    answered_ns = clock()
    for at in range(task.runs):
        subject.read(at)
    after = memory()
    return Started(
        start_ms=_ms(answered_ns - started_ns),
        python_ms=_ms(ready_ns - started_ns),
        load_ms=_ms(loaded_ns - ready_ns),
        first_ms=_ms(answered_ns - first_ns),
        peak_bytes=after.peak_bytes if after else None,
        baseline_bytes=before.now_bytes if before else None,
        memory_source=after.source if after else "",
    )


def main() -> None:
    """Do what standard input says; the first line is when this process was started."""
    started_ns, task = sys.stdin.read().split("\n", 1)
    found = start(Task.of(task), started_ns=int(started_ns))
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


def _ms(took_ns: int) -> float:
    return took_ns / 1e6


def _frozen(value: Any) -> Any:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value
