"""What `misread perf` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.inspection import size_text
from misread.report.text.table import WIDTH, facts, table, wrapped
from misread.runtime.perf.result import ratio_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.runtime.perf.conditions import Conditions
    from misread.runtime.perf.result import Build, Cold, Measured, Perf, Setting
    from misread.runtime.perf.summary import Timing

_HEAD: Final = ("build", "step", "p50", "p90", "p95", "p99", "mean", "pictures/s")
_COLD_HEAD: Final = ("fresh process", "to answer", "python", "load", "first run", "peak", "build's")


def perf_text(found: Perf, *, width: int = WIDTH) -> str:
    """Return the figures as plain text: what was measured, each setting, the limits, what to know of the figures."""
    ran = found.builds[0].fingerprint
    pairs = [
        *((build.name, _build(build)) for build in found.builds),
        ("pictures", found.pictures),
        ("steps", "prepare: pictures to input; run: onnxruntime alone; read: the whole, logits included"),
        ("cpu", f"{ran.cpu} ({' '.join(ran.features) or 'instruction sets unknown'})"),
        ("runs on", f"onnxruntime {ran.onnxruntime}, {', '.join(ran.providers)}, level {ran.level}"),
        ("idle threads", "spin" if found.spinning else "sleep (no spinning)"),
        ("machine", _conditions(found.conditions)),
    ]
    blocks = [
        facts(pairs, width=width),
        *(_setting(setting, width) for setting in found.settings),
        [line for note in found.notes for line in wrapped(note, first="note: ", width=width)],
        _gates(found, width),
        wrapped(found.sentence, width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _build(build: Build) -> str:
    fixed = "" if build.fixed_batch is None else f", {build.fixed_batch} at a time"
    return f"{build.precision or 'precision unknown'}, {size_text(build.size_bytes)}{fixed}"


def _conditions(state: Conditions) -> str:
    parts = [
        f"governor {state.governor}" if state.governor else "governor not told",
        f"load {state.load_before:.2f} before" if state.load_before is not None else "",
        f"others took {100 * state.others:.0f} %" if state.others is not None else "",
        f"the host kept {100 * state.stolen:.0f} %" if state.stolen else "",
        f"{state.celsius_before:.0f} to {state.celsius_after:.0f} degrees C"
        if state.celsius_before is not None and state.celsius_after is not None
        else "",
    ]
    return ", ".join(part for part in parts if part)


def _setting(setting: Setting, width: int) -> list[str]:
    count = min(measured.read.count for measured in setting.measured)
    title = f"{setting.name}: milliseconds a call, {count} timings of each step"
    rows = [row for measured in setting.measured for row in _rows(measured, setting.batch)]
    lines = [title, *table(_HEAD, rows, right=range(2, len(_HEAD)), width=width, gives=0)]
    for measured in setting.measured:
        if measured.run_speedup is not None and measured.read_speedup is not None:
            said = (
                f"{measured.build} runs {ratio_text(measured.run_speedup)} as fast as {setting.measured[0].build}, and "
                f"reads {ratio_text(measured.read_speedup)} as fast"
            )
            lines += wrapped(said, first="  ", width=width)
    colds = [(measured.build, measured.cold) for measured in setting.measured if measured.cold is not None]
    if colds:
        rows = [_cold(name, cold) for name, cold in colds]
        lines += ["", *table(_COLD_HEAD, rows, right=range(1, len(_COLD_HEAD)), width=width, gives=0)]
    return lines


def _rows(measured: Measured, batch: int) -> Sequence[tuple[str, ...]]:
    steps = (measured.prepare, measured.run, measured.read)
    own = "" if measured.batch == batch else f"{measured.batch} a call"
    return [_row(name, step) for name, step in zip((measured.build, own, ""), steps, strict=True)]


def _row(name: str, found: Timing) -> tuple[str, ...]:
    percentiles = (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.mean_ms)
    return (name, found.step, *(_ms(value) for value in percentiles), f"{found.pictures_per_s:.0f}")


def _cold(name: str, cold: Cold) -> tuple[str, ...]:
    times = (cold.start_ms, cold.python_ms, cold.load_ms, cold.first_ms)
    return (name, *(_ms(value) for value in times), _bytes(cold.peak_bytes), _bytes(cold.build_bytes))


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 100 else f"{value:.1f}"


def _bytes(value: int | None) -> str:
    return "-" if value is None else size_text(value)


def _gates(found: Perf, width: int) -> list[str]:
    """List the limits where there are several; the sentence says a single one."""
    if len(found.gates) < 2:
        return []
    said = [(gate.said, "kept: " if gate.passed else "not kept: ") for gate in found.gates]
    return [line for words, first in said for line in wrapped(words, first=first, width=width)]
