"""What `misread perf` prints."""

from __future__ import annotations

import json
from dataclasses import replace

from misread.report.json import dumps, result_document
from misread.report.text.perf import perf_text
from misread.runtime.perf.result import Gate
from tests.report.text.hostile import EVIL, clean, fits
from tests.runtime.perf.planted import QUIET, build, cold, measured, ratio, result, setting, step

GATES = (Gate(passed=True, said="well"), Gate(passed=False, said="late"))


def test_fp32_beside_int8() -> None:
    first = measured(cold=cold())
    second = measured(
        "b.onnx",
        batch=4,
        run=step("run", 0.0625),
        run_speedup=ratio(2.125, 2.0, 2.25),
        read_speedup=ratio(1.5, 1.25, 1.75),
        cold=cold(peak=None, source=""),
    )
    state = replace(QUIET, celsius_before=40.0, celsius_after=71.5, stolen=0.02)
    found = result(setting(first, second, threads=2), gates=GATES, notes=("a note",), conditions=state)
    text = perf_text(found)
    flat = " ".join(text.split())
    assert fits(text)
    for part in (
        "a.onnx fp32, 2.0 KiB",
        "batch 1, 2 threads: milliseconds a call, 300 timings of each step",
        "a.onnx prepare 0.500 0.500 - - 0.500 2000 run 4.000",
        "read 5.000 5.000 6.250 - 5.000 200",
        "4 a call run 0.062",
        "b.onnx runs 2.12 times (95 % CI 2.00-2.25) as fast as a.onnx, and reads 1.50 times (95 % CI 1.25-1.75) as",
        "a.onnx 250.0 200.0 40.000 7.500 9.0 MiB 4.0 MiB",
        "b.onnx 250.0 200.0 40.000 7.500 - -",
        "governor performance, load 0.10 before, others took 1 %, the host kept 2 %, 40 to 72 degrees C",
        "sleep (no spinning)",
        "note: a note",
        "kept: well not kept: late too slow: late",
    ):
        assert part in flat


def test_one_build_and_one_limit_are_said_once() -> None:
    text = perf_text(result(gates=GATES[1:]))
    assert text.count("late") == 1
    assert "fresh process" not in text
    assert "times" not in text


def test_what_nobody_tells_is_left_out() -> None:
    state = replace(QUIET, governor="", load_before=None, others=None)
    text = perf_text(result(conditions=state, spinning=True, builds=(replace(build(fixed_batch=4), precision=""),)))
    flat = " ".join(text.split())
    assert "machine governor not told batch" in flat
    assert "idle threads spin" in flat
    assert "precision unknown, 2.0 KiB, 4 at a time" in flat


def test_a_stranger_s_file_name_steers_no_terminal() -> None:
    text = perf_text(result(setting(measured(EVIL)), pictures=EVIL, gates=(Gate(passed=True, said=EVIL),) * 2))
    assert clean(text)


def test_the_document_survives_the_round_trip() -> None:
    found = result_document("misread-perf", result(setting(measured(cold=cold())), gates=GATES))
    assert json.loads(dumps(found)) == found
    assert (found["kind"], found["exit_code"], found["passed"]) == ("misread-perf", 1, False)
    assert found["settings"][0]["measured"][0]["read"]["p95_ms"] == 6.25
    assert found["settings"][0]["measured"][0]["cold"]["peak_bytes"] == 9 * 2**20
    assert found["builds"][0]["fingerprint"]["model_sha256"] == "a" * 64
