"""SARIF: the structure that its specification asks for, checked by a schema of the part that is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pytest

from misread.report.outputs.sarif import RULES, sarif
from misread.runtime.gates import Gates
from tests.report.outputs.made import FOREIGN, RUN, C, R, U, V, X, build, found

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification

jsonschema: Any = pytest.importorskip("jsonschema")


def closed(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TEXT: Final = {"type": "string", "minLength": 1}
MESSAGE: Final = closed({"text": TEXT})
LEVEL: Final = {"enum": ["none", "note", "warning", "error"]}
UTC: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
LOCATION: Final = closed(
    {
        "physicalLocation": closed(
            {
                "artifactLocation": closed(
                    {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[!-~]+$"}}
                ),
                "region": closed({"startLine": {"type": "integer", "minimum": 1}}),
            }
        ),
        "logicalLocations": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": closed({"name": TEXT, "fullyQualifiedName": TEXT, "kind": TEXT}),
        },
    }
)
RESULT: Final = closed(
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "minItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    }
)
INVOCATION: Final = closed(
    {
        "executionSuccessful": {"type": "boolean"},
        "exitCode": {"type": "integer"},
        "startTimeUtc": UTC,
        "endTimeUtc": UTC,
        "machine": TEXT,
        "toolExecutionNotifications": {"type": "array", "items": closed({"level": LEVEL, "message": MESSAGE})},
    }
)
RULE: Final = closed({"id": TEXT, "shortDescription": MESSAGE})
RUN_: Final = closed(
    {
        "tool": closed(
            {
                "driver": closed(
                    {"name": TEXT, "version": TEXT, "rules": {"type": "array", "uniqueItems": True, "items": RULE}}
                )
            }
        ),
        "invocations": {"type": "array", "items": INVOCATION},
        "results": {"type": "array", "items": RESULT},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    }
)
LOG: Final = closed(
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN_, "minItems": 1, "maxItems": 1},
    }
)


def read(verification: Verification) -> Any:
    """Return the one run of the log, once it is known to keep to the structure and to point at its own rules."""
    text = sarif(verification, RUN)
    assert text.isascii()
    log = json.loads(text)
    jsonschema.Draft202012Validator(LOG).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [one["ruleId"] for one in run["results"]]
    prints = [result["partialFingerprints"]["misread/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints))
    return run


def test_without_gates_refuted_and_contested_witnesses_are_results() -> None:
    run = read(found(build([V, R, C, X, U])))
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("refuted", "error"), ("contested", "warning")]
    first = run["results"][0]
    assert first["message"]["text"].startswith("m.onnx: witness 0001, refuted: Stop, read as Stop (confidence 0.750")
    names = [place["fullyQualifiedName"] for place in first["locations"][0]["logicalLocations"]]
    assert names == ["m.onnx", "m.onnx/0001"]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bundle/manifest.json"
    assert run["invocations"][0]["exitCode"] == 1
    assert run["invocations"][0]["startTimeUtc"] == "2026-11-27T07:30:05.000Z"
    assert run["invocations"][0]["endTimeUtc"] == "2026-11-27T07:30:09.500Z"


def test_with_gates_they_are_the_errors_and_the_rest_is_noted() -> None:
    run = read(found(build([V, R]), gates=Gates(max_flips=0, min_clean_accuracy=1)))
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("max-flips", "error"), ("refuted", "note")]
    assert run["results"][0]["properties"]["witnesses"] == ["0000"]


def test_what_passes_has_no_result() -> None:
    run = read(found(build([V, V])))
    assert run["results"] == run["tool"]["driver"]["rules"] == []
    assert run["invocations"][0]["executionSuccessful"] is True


def test_a_build_that_could_not_run_is_a_notification() -> None:
    run = read(found(build([V], reason="no [such](file)")))
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == r"m.onnx: unavailable, no \[such\](file)"
    assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], False)


def test_a_finding_is_the_same_one_in_the_next_run() -> None:
    before, after = (read(found(build(verdicts))) for verdicts in ([R, R], [V, R]))
    assert before["results"][1]["partialFingerprints"] == after["results"][0]["partialFingerprints"]


def test_a_strangers_name_is_plain_text() -> None:
    run = read(found(build([R], name=FOREIGN, label=FOREIGN), build([R], name="x", reason=FOREIGN)))
    assert r"\[a\](b)" in run["results"][0]["message"]["text"]


@pytest.mark.parametrize("folder", ["a b/ü#?%:", "../up", "/abs/a b"])
def test_any_folder_is_a_valid_reference(folder: str) -> None:
    run = read(dataclasses.replace(found(build([R])), bundle=Path(folder)))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri).removeprefix("file://") == f"{folder}/manifest.json"
    assert "#" not in uri
    assert "?" not in uri


def test_every_gate_has_its_rule() -> None:
    assert {field.name.replace("_", "-") for field in dataclasses.fields(Gates)} <= RULES.keys()
