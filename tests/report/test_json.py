"""The JSON documents: whole, plain, the same after a round trip, and safe to print."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.errors import ModelRunError
from misread.report.json import (
    diagnosis_document,
    document,
    dumps,
    plain,
    rate,
    result_document,
    verification_document,
)
from misread.runtime.doctor import diagnose
from misread.runtime.judge import judge
from misread.runtime.ladder import AsFile
from misread.runtime.session import FunctionReader
from misread.runtime.verdict import Verdict
from misread.stats import Rate, wilson
from tests.runtime.planted import CARD, brightness, bundle_of, flat


def broken(prepared: Any) -> Any:
    raise ModelRunError("the planted fault")


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    pairs = [(flat(100), flat(150)), (flat(100), flat(120)), (flat(200), flat(250))]
    readers = [brightness("fp32.onnx"), FunctionReader(CARD, broken, name="bad.onnx")]
    return verification_document(judge(bundle_of(tmp_path, pairs), readers, rungs=(AsFile(),)))


def test_a_verification_survives_the_round_trip(found: dict[str, Any]) -> None:
    assert json.loads(dumps(found)) == found
    assert list(found)[:2] == ["schema", "kind"]
    assert (found["schema"], found["kind"]) == (1, "misread-verification")


def test_a_verification_says_it_all(found: dict[str, Any], tmp_path: Path) -> None:
    assert (found["passed"], found["exit_code"], found["witnesses"]) == (False, 1, 3)
    assert found["sentence"].startswith("not verified: fp32.onnx: 1 of 2 verified")
    assert found["bundle"] == str(tmp_path)
    good, bad = found["builds"]
    assert good["counts"] == {"verified": 1, "refuted": 1, "contested": 0, "excluded": 1, "unavailable": 0}
    assert set(good["counts"]) == {str(verdict) for verdict in Verdict}
    assert (good["verified"]["hits"], good["verified"]["total"], good["verified"]["share"]) == (1, 2, 0.5)
    assert good["verified"]["low"] == pytest.approx(0.0945, abs=1e-4)
    assert [witness["verdict"] for witness in good["witnesses"]] == ["verified", "refuted", "excluded"]
    assert good["witnesses"][0]["changed"] == {
        "label": "bright",
        "confidence": 1.0,
        "margin": -45.0,
        "goal_margin": None,
    }
    assert good["noise"]["measured_over"][0]["setting"] == "batch 1"
    assert (bad["available"], bad["reason"], bad["verified"]["share"]) == (False, "the planted fault", None)
    assert [step["rung"] for step in found["ladder"]] == ["torch-float", "torch-8bit", "file"]
    assert found["ladder"][2]["survived"]["total"] == 2
    assert found["ladder"][2]["killed"] == ["0001"]


def test_a_diagnosis_survives_the_round_trip() -> None:
    found = diagnosis_document(diagnose())
    assert json.loads(dumps(found)) == found
    assert (found["kind"], found["passed"], found["problems"]) == ("misread-diagnosis", True, [])
    assert {part["name"] for part in found["parts"]} == {"numpy", "onnxruntime", "cv2"}


@dataclass(frozen=True)
class Result:
    path: Path
    found: Rate
    verified: dict[str, Rate]
    values: Any

    @property
    def sentence(self) -> str:
        return "all well"


def test_any_result_becomes_a_document() -> None:
    result = Result(Path("a/b"), wilson(9, 10), {"int8": wilson(0, 0)}, (math.nan, np.float32(0.5), np.arange(2)))
    found = result_document("misread-export", result)
    assert found == {
        "schema": 1,
        "kind": "misread-export",
        "sentence": "all well",
        "path": "a/b",
        "found": rate(wilson(9, 10)),
        "verified": {"int8": {"hits": 0, "total": 0, "share": None, "low": None, "high": None}},
        "values": [None, 0.5, [0, 1]],
    }
    assert found["found"]["share"] == 0.9
    assert json.loads(dumps(found)) == found


def test_a_result_that_holds_pictures_writes_its_own_document() -> None:
    class Filmed:
        exit_code = 1

        def document(self) -> dict[str, Any]:
            return {"frames": 3}

    assert result_document("k", Filmed()) == {"schema": 1, "kind": "k", "exit_code": 1, "frames": 3}


def test_no_foreign_text_steers_the_terminal() -> None:
    foreign = "\x1b[2J\u202e停\udc80"
    said = dumps(document("k", {"label": foreign}))
    assert said.isascii()
    assert "\x1b" not in said
    assert json.loads(said)["label"] == foreign


def test_what_is_no_number_is_null() -> None:
    assert plain({"margin": math.inf, "set": frozenset({1})}) == {"margin": None, "set": [1]}
