"""Prometheus' text format, version 0.0.4: for a push gateway, or the textfile collector of a node exporter.

Everything is a gauge, a snapshot of the last verification. No sample carries a time: the collector refuses those, and
`misread_verified_at_seconds` says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from misread import __version__
from misread.runtime.verdict import Verdict
from misread.text import printable

if TYPE_CHECKING:
    from misread.report.outputs.base import Run
    from misread.runtime.verdict import BuildVerdict, Verification
    from misread.stats import Rate

Labels = Mapping[str, str]
#: (metric without its prefix, labels, value).
Sample = tuple[str, Labels, float | None]

#: Every metric in the order of the file; a name that is not here cannot be written.
HELP: Final = {
    "passed": "1 where the verification passed",
    "exit_code": "What misread verify ended with",
    "witnesses": "Witnesses in the bundle",
    "verified_at_seconds": "When the verification began, in seconds since 1970",
    "duration_seconds": "How long it took",
    "info": "Always 1; the labels say which misread and which bundle",
    "build_info": "Always 1; the labels say which build, and what it ran on",
    "build_up": "1 where the build could be opened and run",
    "build_passed": "1 where every witness that counts is verified on the build",
    "build_witnesses": "Witnesses by verdict",
    "build_rate_ratio": "A share of cases, from 0 to 1; absent where there is no case",
    "build_rate_low_ratio": "Lower end of its 95 % interval",
    "build_rate_high_ratio": "Upper end of its 95 % interval",
    "build_rate_hits": "Cases in which it happened",
    "build_rate_cases": "Cases in which it could have",
    "build_noise_margin_logits": "Largest change of a margin under the build's own noise",
    "gate_open": "1 where the gate let the build pass",
    "gate_limit": "What the gate asked for",
    "gate_p_value": "Of the test against the baseline",
    "ladder_survived_ratio": "Witnesses still misread behind a rung, as a share of those that count there",
    "ladder_survived_hits": "The same as a count",
    "ladder_survived_cases": "Witnesses that count there",
}
#: Properties of a build that are rates.
RATES: Final = ("clean", "verified", "misread", "robust", "placebo")


def metrics(verification: Verification, run: Run) -> str:
    """Return a verification as Prometheus text, the samples of one metric together, as the format wants it."""
    by_name: dict[str, list[str]] = {name: [] for name in HELP}
    for name, labels, value in _samples(verification, run):
        if value is not None:
            by_name[name].append(f"misread_{name}{_labels(labels)} {_number(value)}\n")
    return "".join(
        f"# HELP misread_{name} {HELP[name]}.\n# TYPE misread_{name} gauge\n{''.join(lines)}"
        for name, lines in by_name.items()
        if lines
    )


def _samples(verification: Verification, run: Run) -> Iterator[Sample]:
    yield "passed", {}, verification.passed
    yield "exit_code", {}, verification.exit_code
    yield "witnesses", {}, verification.witnesses
    yield "verified_at_seconds", {}, run.started.timestamp()
    yield "duration_seconds", {}, run.seconds
    named = {
        "version": __version__,
        "bundle": str(verification.bundle),
        "bundle_sha256": verification.bundle_sha256,
        "origin": verification.origin,
    }
    yield "info", named, 1
    for build in verification.builds:
        yield from _of_build(build)
    for gate in verification.gates:
        labels = {"build": gate.build, "gate": gate.gate}
        yield "gate_open", labels, gate.passed
        yield "gate_limit", labels, gate.limit
        yield "gate_p_value", labels, gate.p_value
    for step in verification.ladder:
        labels = {"reader": step.reader, "rung": step.rung}
        yield "ladder_survived_ratio", labels, step.survived.share
        yield "ladder_survived_hits", labels, step.survived.hits
        yield "ladder_survived_cases", labels, step.survived.total


def _of_build(build: BuildVerdict) -> Iterator[Sample]:
    name, ran = {"build": build.name}, build.fingerprint
    on = {
        "onnxruntime": ran.onnxruntime if ran else "",
        "providers": ",".join(ran.providers) if ran else "",
        "cpu": ran.cpu if ran else "",
        "machine": ran.machine if ran else "",
    }
    yield "build_info", {**name, "sha256": build.sha256, **on}, 1
    yield "build_up", name, build.available
    yield "build_passed", name, build.passed
    for verdict in Verdict:
        yield "build_witnesses", {**name, "verdict": str(verdict)}, build.count(verdict)
    for of in RATES:
        rate: Rate = getattr(build, of)
        labels = {**name, "of": of}
        yield "build_rate_ratio", labels, rate.share
        yield "build_rate_low_ratio", labels, rate.low
        yield "build_rate_high_ratio", labels, rate.high
        yield "build_rate_hits", labels, rate.hits
        yield "build_rate_cases", labels, rate.total
    yield "build_noise_margin_logits", name, build.noise.margin if build.noise else None


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def escaped(value: str) -> str:
    """Return foreign text as the value of a label: a backslash, a quote and a new line are what the format escapes."""
    return printable(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return repr(float(value)) if not float(value).is_integer() else str(int(value))
