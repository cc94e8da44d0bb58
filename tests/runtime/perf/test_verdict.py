"""What is made of the figures: limits kept or not, notes, the one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from misread.runtime.perf.gate import gates_of
from misread.runtime.perf.notes import notes_of
from misread.runtime.perf.result import Gate, Perf, Setting, ratio_text
from tests.runtime.perf.planted import QUIET, build, cold, measured, ratio, result, setting, step

if TYPE_CHECKING:
    from misread.runtime.perf.conditions import Conditions


def fast(value: float, low: float | None = None, high: float | None = None) -> Setting:
    return setting(measured(), measured("b.onnx", run_speedup=ratio(value, low, high), read_speedup=ratio(1)))


@pytest.mark.parametrize(("most", "passed"), [(6.25, True), (6.2499, False), (100, True)])
def test_a_deadline_is_for_the_whole_read(most: float, passed: bool) -> None:
    (gate,) = gates_of([setting()], max_p95_ms=most, min_speedup=None)
    assert gate.passed is passed
    assert gate.said == (
        f"a.onnx reads in 6.25 ms at the 95th percentile (batch 1, 1 thread), at most {most:g} asked for"
    )


def test_a_deadline_that_nobody_can_judge_is_not_kept() -> None:
    few = measured(read=step("read", 1.0, count=58))
    (gate,) = gates_of([setting(few)], max_p95_ms=100, min_speedup=None)
    assert not gate.passed
    assert gate.said == ("a.onnx was read 58 times (batch 1, 1 thread) and a 95th percentile needs 59; raise --seconds")


@pytest.mark.parametrize(
    ("found", "least", "passed", "open_"),
    [((2.0, 1.9, 2.1), 1.8, True, False), ((2.0, 1.7, 2.1), 1.8, True, True), ((1.7, 1.6, 1.9), 1.8, False, True),
     ((1.5, 1.4, 1.6), 1.8, False, False), ((1.8, None, None), 1.8, True, False)],
)  # fmt: skip
def test_a_speedup_is_held_against_its_limit(
    found: tuple[float, float | None, float | None], least: float, passed: bool, open_: bool
) -> None:
    (gate,) = gates_of([fast(*found)], max_p95_ms=None, min_speedup=least)
    assert gate.passed is passed
    assert ("another run may say otherwise" in gate.said) is open_
    assert gate.said.startswith(f"b.onnx runs {ratio_text(ratio(*found))} as fast as a.onnx (batch 1, 1 thread)")


def test_every_build_is_held_in_every_setting() -> None:
    settings = [fast(2.0), replace(fast(1.0), threads=4)]
    gates = gates_of(settings, max_p95_ms=7, min_speedup=1.5)
    assert [gate.passed for gate in gates] == [True, True, True, True, True, False]
    assert gates_of(settings, max_p95_ms=None, min_speedup=None) == ()


KEPT = Gate(passed=True, said="well")
AS = "as fast as a.onnx (batch 1, 1 thread)"
BROKEN = Gate(passed=False, said="late")


@pytest.mark.parametrize(
    ("found", "code", "sentence"),
    [
        (result(), 0, "a.onnx reads 200 pictures a second (batch 1, 1 thread)"),
        (result(fast(2, 1.9, 2.1)), 0, f"b.onnx runs 2.00 times (95 % CI 1.90-2.10) {AS}"),
        (result(fast(2)), 0, f"b.onnx runs 2.00 times (too few rounds for an interval) {AS}"),
        (result(gates=(KEPT,)), 0, "quick enough: well"),
        (result(gates=(KEPT, KEPT)), 0, "quick enough: all 2 limits are kept"),
        (result(gates=(KEPT, BROKEN)), 1, "too slow: late"),
        (result(gates=(BROKEN, BROKEN, KEPT)), 1, "too slow: late (and 1 more)"),
    ],
)  # fmt: skip
def test_the_result_in_one_sentence(found: Perf, code: int, sentence: str) -> None:
    assert (found.exit_code, found.sentence, found.passed) == (code, sentence, code == 0)


def said(
    *settings: Setting, state: Conditions = QUIET, iterations: int = 300, fixed: int | None = None, batch: int = 1
) -> str:
    shown = settings or (setting(),)
    notes = notes_of([build(fixed_batch=fixed)], shown, state, iterations=iterations, batches=(batch,), usable=2)
    return " | ".join(notes)


def test_a_quiet_machine_gets_no_note() -> None:
    assert said() == ""


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (replace(QUIET, others=0.0499), ""),
        (replace(QUIET, others=0.05), "other processes took 5 %"),
        (replace(QUIET, stolen=0.02), "the host of this virtual machine kept 2 %"),
        (replace(QUIET, governor="performance, schedutil"), "the clock governor is performance, schedutil"),
        (replace(QUIET, governor=""), ""),
        (replace(QUIET, throttled=1), "a core was slowed because it was hot"),
        (replace(QUIET, throttled=None, others=None, stolen=None), ""),
    ],
)
def test_a_machine_that_is_not_quiet_is_said(state: Conditions, words: str) -> None:
    assert said(state=state).startswith(words)
    assert bool(said(state=state)) is bool(words)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (setting(threads=3), "3 threads share the 2 that this process may use"),
        (setting(measured(drift=1.25)), "a.onnx took 25 % longer at the end than at the beginning"),
        (setting(measured(drift=None)), ""),
        (setting(measured(cold=cold(source="", peak=None))), "this system does not tell how much memory"),
        (setting(measured(cold=cold(source="getrusage"))), "memory before the build was loaded is the peak until then"),
        (setting(measured(cold=cold())), ""),
    ],
)
def test_what_is_odd_about_the_figures_is_said(shown: Setting, words: str) -> None:
    assert said(shown).startswith(words)
    assert bool(said(shown)) is bool(words)


def test_few_timings_are_said_with_the_cure() -> None:
    cut = said(setting(measured(read=step("read", 1.0, count=58))))
    assert cut.startswith("the bound of --seconds left 58 of 300 timings")
    assert "(needed: p95 59, p99 299); raise --iterations or --seconds" in cut
    assert "--seconds left" not in said(setting(measured(read=step("read", 1.0, count=58))), iterations=58)


def test_a_fixed_batch_is_said_where_another_was_asked_for() -> None:
    assert said(fixed=4, batch=1).startswith("a.onnx takes 4 at a time and was measured so")
    assert said(fixed=4, batch=4) == ""
