"""Prometheus text, read back by a strict reader of its grammar written for this test."""

from __future__ import annotations

import re
from typing import Final

import pytest

from misread.report.outputs.metrics import HELP, metrics
from misread.runtime.gates import Gates
from misread.text import printable
from tests.report.outputs.made import FOREIGN, RUN, C, R, U, V, X, build, found

NAME: Final = r"[a-zA-Z_][a-zA-Z0-9_]*"
LABEL: Final = rf'({NAME})="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE: Final = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
Key = tuple[str, frozenset[tuple[str, str]]]


def read(text: str) -> dict[Key, float]:
    """Return the samples; refuse what the format refuses: samples apart from their metric, twice, or without a type."""
    assert text.endswith("\n")
    samples: dict[Key, float] = {}
    current, done = "", set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            done.add(current)
            current = line.split(" ")[2]
            assert current not in done, f"{current} is said in two places"
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {current} gauge"
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"no sample: {line!r}"
            assert found[1] == current
            labels = frozenset((name, unescaped(value)) for name, value in re.findall(LABEL, found[2] or ""))
            assert (current, labels) not in samples
            samples[current, labels] = float(found[found.re.groups])
    return samples


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


def key(name: str, **labels: str) -> Key:
    return f"misread_{name}", frozenset(labels.items())


def test_counts_rates_and_verdicts_arrive() -> None:
    samples = read(metrics(found(build([V, R, C, X, U])), RUN))
    by_verdict = {verdict: samples[key("build_witnesses", build="m.onnx", verdict=str(verdict))] for verdict in (V, X)}
    assert by_verdict == {V: 1, X: 1}
    rate = {"build": "m.onnx", "of": "verified"}
    assert samples[key("build_rate_hits", **rate)] == 1
    assert samples[key("build_rate_cases", **rate)] == 3
    assert samples[key("build_rate_ratio", **rate)] == 1 / 3
    assert samples[key("build_rate_low_ratio", **rate)] == pytest.approx(0.0615, abs=1e-4)
    assert samples[key("passed")] == 0
    assert samples[key("exit_code")] == 1
    assert samples[key("verified_at_seconds")] == 1795764605
    assert samples[key("duration_seconds")] == 4.5
    assert samples[key("build_noise_margin_logits", build="m.onnx")] == 2.5e-6
    assert samples[key("ladder_survived_cases", reader="m.onnx", rung="jpeg-75")] == 3


def test_gates_arrive_with_their_limits() -> None:
    samples = read(metrics(found(build([V, R]), gates=Gates(max_flips=0, min_clean_accuracy=0.5)), RUN))
    assert samples[key("gate_open", build="m.onnx", gate="max-flips")] == 0
    assert samples[key("gate_open", build="m.onnx", gate="min-clean-accuracy")] == 1
    assert samples[key("gate_limit", build="m.onnx", gate="min-clean-accuracy")] == 0.5


def test_what_was_not_measured_is_absent() -> None:
    samples = read(metrics(found(build([V], reason="broken")), RUN))
    assert samples[key("build_up", build="m.onnx")] == 0
    names = {name for name, _ in samples}
    assert not names & {"misread_build_rate_ratio", "misread_build_noise_margin_logits", "misread_gate_open"}


def test_a_strangers_name_stays_one_label() -> None:
    samples = read(metrics(found(build([V], name=FOREIGN), origin=FOREIGN), RUN))
    assert samples[key("build_up", build=printable(FOREIGN))] == 1


def test_names_keep_to_the_conventions() -> None:
    assert all(re.fullmatch(r"[a-z_]+[a-z]", name) for name in HELP)
    reserved = ("_total", "_count", "_sum", "_bucket", "_created")  # of counters and histograms
    assert not [name for name in HELP if name.endswith(reserved)]
    assert not [words for words in HELP.values() if "\n" in words or "\\" in words or words.endswith(".")]
