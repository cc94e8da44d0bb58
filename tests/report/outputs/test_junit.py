"""JUnit XML: read back by two independent readers, held to a schema, whatever a stranger calls a label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.report.outputs.junit import junit, xml_text
from misread.runtime.gates import Gates
from tests.report.outputs.made import FOREIGN, RUN, WITNESSES, C, R, U, V, X, build, found

etree: Any = pytest.importorskip("lxml.etree")
junitparser: Any = pytest.importorskip("junitparser")
XSD = etree.XMLSchema(etree.parse(str(Path(__file__).with_name("junit.xsd"))))


def read(text: str) -> Any:
    """Return the document as lxml reads it, once it is known to keep to the schema."""
    document = etree.fromstring(text.encode())
    XSD.assertValid(document)
    return document


def test_a_suite_per_build_counts_its_cases() -> None:
    verification = found(build([V, R, C, X, U], name="a.onnx"), build([V], name="b.onnx", reason="broken"))
    root = read(junit(verification, WITNESSES))
    assert dict(root.attrib) == {
        "name": "misread verify",
        "tests": "8",
        "failures": "3",
        "errors": "3",
        "time": "4.500",
    }
    first, second = root.iterfind("testsuite")
    counted = [first.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")]
    assert counted == ["a.onnx", "6", "3", "1", "1", "2.250"]
    assert (first.get("timestamp"), first.get("hostname")) == ("2026-11-27T07:30:05+00:00", "board-7")
    assert [second.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "0", "2", "0"]


def test_the_properties_say_which_build_it_was() -> None:
    root = read(junit(found(build([V, R])), RUN))
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert properties["sha256"] == "ab" * 32
    assert properties["bundle_sha256"] == "cd" * 32
    assert properties["verified"] == "1/2 (50.0 %, 95 % CI 9.5-90.5)"
    assert properties["noise_margin_logits"] == "2.5e-06"


def test_a_reader_of_test_reports_sees_the_closed_gate(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(junit(found(build([V, R]), gates=Gates(max_flips=0)), WITNESSES), encoding="utf-8")
    report = junitparser.JUnitXml.fromfile(str(path))
    assert (report.tests, report.failures, report.errors) == (4, 2, 0)
    (suite,) = report
    seen = {case.name: [(type(one).__name__, one.type) for one in case.result] for case in suite}
    assert seen == {
        "m.onnx: verdict": [],
        "m.onnx: max-flips": [("Failure", "max-flips")],
        "m.onnx: witness 0000 Stop": [("Failure", "max-flips")],
        "m.onnx: witness 0001 Stop": [],
    }
    (failure,) = next(case for case in suite if case.name.endswith("max-flips")).result
    assert failure.message == "m.onnx: 1 of 2 witnesses misread, at most 0 allowed (--max-flips; 1 witness: 0000)"


def test_a_strangers_name_arrives_without_breaking_anything() -> None:
    verification = found(
        build([V, R, X], name=FOREIGN, label=FOREIGN), build([V], name="x", reason=FOREIGN), origin=FOREIGN
    )
    root = read(junit(verification, replace(WITNESSES, host=FOREIGN)))
    name = root.find("testsuite").get("name")
    assert name.startswith("=cmd|'/c'!A0 </x>]]>&\"|`*_[a](b)\\x0a# \\x1b[2J\\x00\\x0b\\udc80\\u202e\ufffd @team")
    assert len(root.findall(".//testcase")) == 6
    assert not root.findall(".//script")


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_text_is_fit_for_xml(text: str) -> None:
    element = etree.Element("a", b=xml_text(text))
    element.text = xml_text(text)
    back = etree.fromstring(etree.tostring(element))
    assert back.get("b") == back.text or (back.text is None and not back.get("b"))


def test_a_verification_without_builds_is_red_too() -> None:
    assert read(junit(found(), RUN)).get("failures") == "1"
