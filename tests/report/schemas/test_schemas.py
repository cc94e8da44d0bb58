"""The published schemas: they follow the code, they are valid, and every document that is printed keeps to them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import UnknownName
from misread.files import sha256_file
from misread.pixels import write_png
from misread.report.json import dumps, result_document, verification_document
from misread.report.outputs.rows import jsonl
from misread.report.schema import DIALECT, kinds, schema_text
from misread.runtime.gates import Gates
from tests.report.outputs.made import FOREIGN, RUN, C, R, U, V, X, build, found
from tests.runtime.planted import COLOURS, MEANS, bundle_of, flat

if TYPE_CHECKING:
    from misread.runtime.verdict import Verification

jsonschema: Any = pytest.importorskip("jsonschema")


def strict(schema: Any) -> Any:
    """Return the schema with every object closed: what is printed and not described is then an error."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return closed | {name: strict(value) for name, value in schema.items()}


def check(document: Any) -> None:
    schema = json.loads(schema_text(document["kind"]))
    jsonschema.Draft202012Validator(strict(schema)).validate(document)


def printed(*argv: str, codes: tuple[int, ...] = (0,)) -> Any:
    """Run a command with --json; return its document, once it is known to keep to its schema."""
    result = CliRunner().invoke(cli.app, ["--no-trial", *argv, "--json"])
    assert result.exit_code in codes, result.output
    document = json.loads(result.stdout)
    check(document)
    return document


@pytest.mark.parametrize("kind", kinds())
def test_a_schema_is_valid_and_says_which_one_it_is(kind: str) -> None:
    schema = json.loads(schema_text(kind))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:misread:schema:{kind}:{schema['properties']['schema']['const']}"
    assert schema["properties"]["kind"] == {"const": f"misread-{kind}"}


def test_the_schemas_that_ship_follow_the_code() -> None:
    pytest.importorskip("torch")
    made = pytest.importorskip("scripts.schemas")
    shipped = {kind: schema_text(kind) for kind in kinds()}
    assert shipped == {kind: made.text(schema) for kind, schema in made.schemas().items()}, (
        "run python -m scripts.schemas; a field that changed its meaning needs a new schema number"
    )


def test_a_type_becomes_what_documents_hold_of_it() -> None:
    made = pytest.importorskip("scripts.schemas")
    assert made.shape(tuple[int, str], {})["maxItems"] == 2
    assert made.shape(float | None, {}) == {"type": ["number", "null"]}
    assert made.shape(dict[str, Path], {}) == {"type": "object", "additionalProperties": {"type": "string"}}
    for unknown in (complex, type[int]):
        with pytest.raises(TypeError, match="nothing is known of"):
            made.shape(unknown, {})


@pytest.mark.parametrize(
    "verification",
    [
        found(build([V, R, C, X, U]), build([V] * 5, name="b", reason="broken")),
        found(build([V, R]), gates=Gates(max_flips=0, min_clean_accuracy=0.5)),
        found(build([V], name=FOREIGN, label=FOREIGN)),
    ],
)
def test_every_verification_keeps_to_its_schema(verification: Verification) -> None:
    check(json.loads(dumps(verification_document(verification))))
    for line in jsonl(verification, RUN).splitlines():
        check(json.loads(line))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), 2),
        (("kind",), "misread-other"),
        (("sentence",), None),
        (("builds", 0, "verified", "share"), 1.5),
        (("builds", 0, "witnesses", 0, "verdict"), "perhaps"),
        (("builds", 0, "new"), 1),
        (("gates",), {}),
    ],
)
def test_a_broken_document_is_refused(place: tuple[str | int, ...], value: Any) -> None:
    document = json.loads(dumps(verification_document(found(build([V])))))
    part = document
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises((jsonschema.ValidationError, UnknownName)):
        check(document)


def test_a_field_that_comes_later_is_no_error_for_who_reads() -> None:
    document = json.loads(dumps(verification_document(found(build([V]))))) | {"later": 1}
    jsonschema.Draft202012Validator(json.loads(schema_text("verification"))).validate(document)


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, str, str]:
    """Return a build, a bundle and a folder of labelled pictures."""
    model = tmp_path / "means.onnx"
    model.write_bytes(MEANS)
    red, green = (flat(200) * np.array(colour, np.uint8) for colour in ((1, 0, 0), (0, 1, 0)))
    bundle = bundle_of(tmp_path / "bundle", [(red, green), (red, red)], card=COLOURS, label="red").folder
    for label, picture in (("red", red), ("green", green)):
        (tmp_path / "data" / label).mkdir(parents=True)
        write_png(tmp_path / "data" / label / "0.png", picture)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    return str(model), str(bundle), str(tmp_path / "data")


def test_what_a_device_prints_keeps_to_the_schemas(given: tuple[str, str, str], tmp_path: Path) -> None:
    model, bundle, data = given
    fed = ("--labels", str(tmp_path / "labels.txt"), "--size", "8")
    printed("verify", bundle, "-m", model, codes=(1,))
    printed("verify", bundle, "-m", model, "-m", f"{bundle}/manifest.json", "--max-flips", "1", codes=(1,))
    printed("inspect", model)
    printed("doctor")
    printed("eval", model, "--data", data, *fed)
    printed("compare", model, model, "--data", data, *fed)
    printed("perf", model, "--iterations", "3", "--warmup", "1", *fed)


@pytest.mark.slow
def test_what_a_workstation_prints_keeps_to_the_schemas(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model, bundle = str(tmp_path / "signs.onnx"), str(tmp_path / "bundle")
    printed("export", "signs", "-o", model)
    printed("attack", "signs", "-o", bundle, "--limit", "2", "-m", model)
    printed("quantize", model, "-o", str(tmp_path / "fp16.onnx"), "--precision", "fp16")
    printed("assess", "signs", "--eps", "8/255", "--limit", "1", "-m", model)
    printed("compare", "signs", model, "--data", f"{bundle}/images")
    camera = (
        "camera",
        "-m",
        model,
        "--bundle",
        bundle,
        "--witness",
        "0000",
        "--headless",
        "-o",
        str(tmp_path / "film"),
    )
    printed(*camera, "--seconds", "2", codes=(0, 1))  # what two seconds show depends on the machine


def test_what_takes_long_is_made_by_hand_and_keeps_to_its_schema() -> None:
    pytest.importorskip("torch")
    from misread.attack.selftest.check import Check, SelfTest
    from misread.demo.result import DemoResult, Expectation

    checks = SelfTest(checks=(Check(name="a", expected="b", got="c", passed=False),), seconds=1.5)
    check(result_document("misread-selftest", checks))
    shown: Any = None
    demo = DemoResult(
        folder=Path("a"),
        report=Path("a/report.html"),
        sentence="all well",
        expectations=(Expectation(what="a", met=True, found="b"),),
        stages=(("export", 1.5),),
        files=(("bundle", Path("a/b")),),
        content=shown,
    )
    check(result_document("misread-demo", demo))


def test_a_schema_is_printed_and_what_there_is_is_named() -> None:
    said = CliRunner().invoke(cli.app, ["schema", "misread-verification"])
    assert (said.exit_code, said.output) == (0, schema_text("verification"))
    assert tuple(CliRunner().invoke(cli.app, ["schema"]).output.split()) == kinds()
    wrong = CliRunner().invoke(cli.app, ["schema", "verificaton"])
    assert wrong.exit_code == 2
    assert "did you mean 'verification'?" in wrong.output


def test_schemas_are_read_without_torch_or_onnxruntime() -> None:
    script = "import sys; from misread.report.schema import kinds; kinds(); print('onnxruntime' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_a_packed_bundle_and_its_replay_keep_to_their_schemas(tmp_path: Path) -> None:
    (tmp_path / "means.onnx").write_bytes(MEANS)
    bundle_of(tmp_path / "b", [(flat(100), flat(150))], card=COLOURS, label="red")
    printed("pack", str(tmp_path / "b"), "-m", str(tmp_path / "means.onnx"))
    document = printed("verify", str(tmp_path / "b"), "--level", "disable", codes=(0, 1))
    (replay,) = document["replays"]
    assert [one["field"] for one in replay["differing"]] == ["level"]
    record = tmp_path / "b" / "builds" / "0.npy"
    np.save(record, np.array([[1, 0, 0], [0, 1, 0]], np.float32))
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    manifest["builds"][0]["logits"]["sha256"] = sha256_file(record)
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    document = printed("verify", str(tmp_path / "b"), codes=(1,))
    assert document["replays"][0]["disagreements"][0]["witness"] == "0000"
