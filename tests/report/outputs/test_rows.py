"""One row per witness and build, the same in both formats, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misread.report.outputs import rows
from misread.report.outputs.rows import COLUMNS, guarded
from misread.text import printable
from tests.report.outputs.made import FOREIGN, RUN, C, R, U, V, X, build, found


def test_a_row_per_witness_and_build() -> None:
    verification = found(build([V, R, C, X, U], name="a.onnx"), build([R] * 5, name="b.onnx"))
    table = list(csv.DictReader(io.StringIO(rows.csv(verification, RUN))))
    lines = [json.loads(line) for line in rows.jsonl(verification, RUN).splitlines()]
    keys = [(row["build"], row["witness"], row["verdict"]) for row in table]
    assert keys == [(line["build"], line["witness"], line["verdict"]) for line in lines]
    assert len(keys) == 10
    assert keys[:2] == [("a.onnx", "0000", "verified"), ("a.onnx", "0001", "refuted")]


def test_a_row_says_what_was_read() -> None:
    (row,) = csv.DictReader(io.StringIO(rows.csv(found(build([V])), RUN)))
    assert tuple(row) == COLUMNS
    assert row == {
        "build": "m.onnx",
        "sha256": "ab" * 32,
        "witness": "0000",
        "label": "Stop",
        "goal": "untargeted",
        "verdict": "verified",
        "misread": "true",
        "clean_label": "Stop",
        "clean_confidence": "0.9",
        "clean_margin": "2.0",
        "clean_goal_margin": "",
        "changed_label": "Yield",
        "changed_confidence": "0.75",
        "changed_margin": "-1.5",
        "changed_goal_margin": "",
        "placebo_label": "Stop",
        "placebo_confidence": "0.9",
        "placebo_margin": "2.0",
        "placebo_goal_margin": "",
        "lost_at": "jpeg-75",
        "reason": "",
    }


def test_a_line_is_a_document_of_its_own() -> None:
    line = json.loads(rows.jsonl(found(build([V])), RUN))
    assert (line["schema"], line["kind"], line["lost_at"]) == (1, "misread-judgement", "jpeg-75")
    assert line["changed"] == {"label": "Yield", "confidence": 0.75, "margin": -1.5, "goal_margin": None}
    lost = json.loads(rows.jsonl(found(build([V], reason="broken")), RUN))
    assert (lost["changed"], lost["lost_at"], lost["reason"]) == (None, None, "the planted fault")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "|x", "%x", " =1", "\t=1", "\r\n=1", "\uff1d1", "\xa0=1"]
)
def test_what_a_spreadsheet_would_run_is_kept_from_it(text: str) -> None:
    (cell,) = next(csv.reader([_row(guarded(text))]))
    assert cell[0] in "'\\"


@pytest.mark.parametrize("text", ["Stop", "speed = 30", "", "50%", "停"])
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_name_stays_in_its_cell(name: str) -> None:
    table = list(csv.reader(io.StringIO(rows.csv(found(build([V, X], name=name, label=name)), RUN))))
    assert [len(row) for row in table] == [len(COLUMNS)] * 3
    assert table[1][0].removeprefix("'") == printable(name).removeprefix("'")
    assert len(rows.jsonl(found(build([V, X], name=name)), RUN).splitlines()) == 2


def test_a_strangers_names_reach_a_program_unchanged_and_a_terminal_harmless() -> None:
    said = rows.jsonl(found(build([V], label=FOREIGN)), RUN)
    assert said.isascii()
    assert json.loads(said)["label"] == FOREIGN


def _row(*cells: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
