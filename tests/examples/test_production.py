"""The production test as a script: its record, its limits, and its exit codes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from tests.runtime.planted import COLOURS, MEANS, bundle_of, flat

SCRIPT: Final = Path(__file__).parents[2] / "examples" / "production_test.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the tests run away from the tree")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A build that reads the strongest colour, and two witnesses of which it misreads one."""
    red, green = flat(0) + np.array([200, 40, 0], np.uint8), flat(0) + np.array([40, 200, 0], np.uint8)
    bundle_of(tmp_path / "bundle", [(red, green), (red, red)], card=COLOURS, label="red")
    (tmp_path / "model.onnx").write_bytes(MEANS)
    return tmp_path


def run(here: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    said = ("--serial", "0042", "--build", "model.onnx", "--bundle", "bundle", "--record", "record.json")
    done = subprocess.run(
        [sys.executable, SCRIPT, *said, "--max-p95-ms", "60000", *more],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads((here / "record.json").read_text()), done.stdout


def figures(record: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: (one["value"], one["passed"]) for phase in record["phases"] for one in phase["measurements"]}


def test_a_unit_within_its_limits_passes(here: Path) -> None:
    digest = hashlib.sha256(MEANS).hexdigest()
    code, record, said = run(here, "--max-flips", "1", "--sha256", digest)
    assert (code, record["outcome"], record["serial"]) == (0, "PASS", "0042")
    found = figures(record)
    assert (found["sha256"], found["clean_accuracy"], found["flips"]) == ((digest, True), (1.0, True), (1, True))
    assert found["read_p95_ms"][0] > 0
    assert said.endswith("PASS 0042\n")


def test_a_unit_out_of_its_limits_fails_and_says_all(here: Path) -> None:
    code, record, said = run(here, "--sha256", "0" * 64)
    assert (code, record["outcome"]) == (1, "FAIL")
    assert [name for name, (_, passed) in figures(record).items() if not passed] == ["sha256", "flips"]
    assert "OUT reading.flips: 1\n" in said


def test_what_cannot_be_tested_is_an_error_and_no_failure(here: Path) -> None:
    (here / "bundle" / "manifest.json").unlink()
    code, record, _ = run(here)
    assert (code, record["outcome"]) == (2, "ERROR")
    assert [bool(phase["error"]) for phase in record["phases"]] == [False, True, True]


def test_a_build_that_cannot_run_is_never_a_pass(here: Path) -> None:
    (here / "model.onnx").write_bytes(b"nothing")
    code, record, _ = run(here)
    assert (code, record["outcome"]) == (2, "ERROR")
    assert figures(record)["flips"] == (None, False)
