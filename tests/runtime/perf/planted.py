"""Results of `misread perf` that nobody measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from misread.runtime.fingerprint import Fingerprint
from misread.runtime.perf.conditions import Conditions
from misread.runtime.perf.result import Build, Cold, Gate, Measured, Perf, Setting
from misread.runtime.perf.summary import Ratio, Timing

QUIET: Final = Conditions(
    governor="performance",
    load_before=0.1,
    load_after=1.0,
    others=0.01,
    stolen=0.0,
    celsius_before=None,
    celsius_after=None,
    throttled=0,
)
PRINT: Final = Fingerprint(
    model_sha256="a" * 64,
    card_sha256="b" * 64,
    onnxruntime="1.31.1",
    providers=("CPUExecutionProvider",),
    nodes=(),
    threads=1,
    level="all",
    cpu="a processor",
    features=("avx2",),
    machine="x86_64",
    system="Linux",
    python="3.11",
    numpy="2",
    opencv="5",
)


def build(name: str = "a.onnx", *, fixed_batch: int | None = None) -> Build:
    return Build(
        name=name, path=Path(name), size_bytes=2048, precision="fp32", fixed_batch=fixed_batch, fingerprint=PRINT
    )


def step(name: str, ms: float, *, count: int = 300, p95_ms: float | None = None) -> Timing:
    return Timing(
        step=name,
        count=count,
        mean_ms=ms,
        least_ms=ms,
        most_ms=ms,
        p50_ms=ms,
        p90_ms=ms,
        p95_ms=p95_ms,
        p99_ms=None,
        pictures_per_s=1000 / ms,
    )


def ratio(value: float, low: float | None = None, high: float | None = None) -> Ratio:
    return Ratio(value=value, low=low, high=high, rounds=30)


def cold(*, source: str = "VmHWM", peak: int | None = 9 * 2**20) -> Cold:
    return Cold(
        starts=3,
        start_ms=250.0,
        start_least_ms=240.0,
        start_most_ms=260.0,
        python_ms=200.0,
        load_ms=40.0,
        first_ms=7.5,
        peak_bytes=peak,
        baseline_bytes=None if peak is None else 5 * 2**20,
        memory_source=source,
    )


def measured(name: str = "a.onnx", **given: Any) -> Measured:
    plain: dict[str, Any] = {
        "build": name,
        "batch": 1,
        "prepare": step("prepare", 0.5),
        "run": step("run", 4.0),
        "read": step("read", 5.0, p95_ms=6.25),
        "drift": 1.0,
        "cold": None,
        "run_speedup": None,
        "read_speedup": None,
    }
    return Measured(**{**plain, **given})


def setting(*entries: Measured, batch: int = 1, threads: int = 1) -> Setting:
    return Setting(batch=batch, threads=threads, measured=entries or (measured(),))


def result(*settings: Setting, gates: tuple[Gate, ...] = (), notes: tuple[str, ...] = (), **given: Any) -> Perf:
    shown = settings or (setting(),)
    plain: dict[str, Any] = {
        "builds": tuple(build(entry.build) for entry in shown[0].measured),
        "settings": shown,
        "pictures": "noise",
        "iterations": 300,
        "warmup": 10,
        "seed": 0,
        "spinning": False,
        "conditions": QUIET,
        "notes": notes,
        "gates": gates,
    }
    return Perf(**{**plain, **given})
