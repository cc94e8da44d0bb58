"""A production test as a plain script: phases that measure, limits that decide, one record for each unit.

python examples/production_test.py --serial 0042 --build signs.onnx --bundle bundle --record 0042.json

Exit code 0: the unit passed; 1: a measurement is out of its limits; 2 and above: the test itself could not be run, as
`misread` ends. Frameworks such as OpenHTF have the same parts: a phase here is a phase there, a limit a measurement's.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import misread


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One figure with its limits; a figure that is none at all is out of them."""

    name: str
    value: float | str | None
    least: float | None = None
    most: float | None = None
    expected: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it lies within."""
        if self.expected is not None:
            return self.value == self.expected
        if isinstance(self.value, str):
            return True
        value = math.nan if self.value is None else self.value
        above = self.least is None or value >= self.least
        return not math.isnan(value) and above and (self.most is None or value <= self.most)


Phase = Callable[[argparse.Namespace], Iterator[Measurement]]


def identity(unit: argparse.Namespace) -> Iterator[Measurement]:
    """Is it the model that was released?"""
    yield Measurement(name="sha256", value=misread.inspect(unit.build).sha256, expected=unit.sha256)


def reading(unit: argparse.Namespace) -> Iterator[Measurement]:
    """Does this unit read clean pictures right, and how many changed ones does it misread?"""
    (build,) = misread.verify(unit.bundle, unit.build, rungs="file").builds
    yield Measurement(name="clean_accuracy", value=build.clean.share, least=unit.min_clean_accuracy)
    yield Measurement(name="flips", value=build.misread.hits if build.available else None, most=unit.max_flips)
    if build.fingerprint is not None:
        yield Measurement(name="onnxruntime", value=build.fingerprint.onnxruntime)
        yield Measurement(name="cpu", value=build.fingerprint.cpu)


def speed(unit: argparse.Namespace) -> Iterator[Measurement]:
    """Is it quick enough?"""
    (measured,) = misread.perf(
        unit.build, card=misread.load_bundle(unit.bundle).card, iterations=100, starts=0
    ).settings
    yield Measurement(name="read_p95_ms", value=measured.measured[0].read.p95_ms, most=unit.max_p95_ms)


PHASES: Final[tuple[Phase, ...]] = (identity, reading, speed)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serial", required=True, help="of the unit")
    parser.add_argument("--build", required=True, type=Path, help="the ONNX file on it")
    parser.add_argument("--bundle", required=True, type=Path, help="the witnesses")
    parser.add_argument("--record", required=True, type=Path, help="the JSON file to write")
    parser.add_argument("--sha256", help="of the released build")
    parser.add_argument("--min-clean-accuracy", type=float, default=1.0)
    parser.add_argument("--max-flips", type=int, default=0)
    parser.add_argument("--max-p95-ms", type=float, default=100.0)
    return parser.parse_args()


def main() -> int:
    """Run every phase, so that the record says all that is wrong; return the exit code."""
    unit, phases, code = options(), [], 0
    for phase in PHASES:
        found, error = [], ""
        try:
            for one in phase(unit):
                found.append(asdict(one) | {"passed": one.passed})
                print(f"{'ok' if one.passed else 'OUT':4}{phase.__name__}.{one.name}: {one.value}")
        except misread.MisreadError as stopped:
            error, code = str(stopped), max(code, stopped.exit_code)
            print(f"ERR {phase.__name__}: {error!a}")
        code = max(code, int(not all(one["passed"] for one in found)))
        phases.append({"phase": phase.__name__, "measurements": found, "error": error})
    outcome = {0: "PASS", 1: "FAIL"}.get(code, "ERROR")
    record = {"serial": unit.serial, "tested": datetime.now(UTC).isoformat(), "outcome": outcome, "phases": phases}
    partial = unit.record.with_name(f".{unit.record.name}.partial")  # whole or absent, also where power fails
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(unit.record)
    print(f"{outcome} {unit.serial}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
