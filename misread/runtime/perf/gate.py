"""The limits that a test rig sets: a deadline for the whole read, a least speedup of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.runtime.perf.result import Gate, ratio_text
from misread.runtime.perf.summary import fewest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from misread.runtime.perf.result import Measured, Setting
    from misread.runtime.perf.summary import Ratio


def gates_of(settings: Iterable[Setting], *, max_p95_ms: float | None, min_speedup: float | None) -> tuple[Gate, ...]:
    """Hold every build in every setting against the limits; a limit of None holds nothing."""
    return tuple(_gates(settings, max_p95_ms, min_speedup))


def _gates(settings: Iterable[Setting], max_p95_ms: float | None, min_speedup: float | None) -> Iterator[Gate]:
    for setting in settings:
        for measured in setting.measured:
            if max_p95_ms is not None:
                yield _deadline(measured, setting, max_p95_ms)
            if min_speedup is not None and measured.run_speedup is not None:
                yield _speedup(measured, measured.run_speedup, setting, min_speedup)


def _speedup(measured: Measured, ratio: Ratio, setting: Setting, least: float) -> Gate:
    open_ = ratio.low is not None and ratio.high is not None and ratio.low < least <= ratio.high
    return Gate(
        passed=ratio.value >= least,
        said=f"{measured.build} runs {ratio_text(ratio)} as fast as {setting.measured[0].build} ({setting.name}), "
        f"at least {least:g} asked for" + ("; the interval holds that, so another run may say otherwise" * open_),
    )


def _deadline(measured: Measured, setting: Setting, most_ms: float) -> Gate:
    found = measured.read.p95_ms
    if found is None:
        return Gate(
            passed=False,
            said=f"{measured.build} was read {measured.read.count} times ({setting.name}) and a 95th percentile needs "
            f"{fewest(95)}; raise --seconds",
        )
    return Gate(
        passed=found <= most_ms,
        said=f"{measured.build} reads in {found:.4g} ms at the 95th percentile ({setting.name}), "
        f"at most {most_ms:g} asked for",
    )
