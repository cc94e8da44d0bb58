from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.bundle import BundleWriter
from misread.report.content import ChannelRate, ReportContent
from misread.report.results.channels import CAPTURED, SEARCHED, TEST, TRAINING
from misread.report.results.whole import ReportOptions, report
from misread.report.sections.channels import channels
from misread.stats import Rate, wilson
from misread.wish import UNTARGETED
from tests.report.results.planted import PLANTED
from tests.report.results.test_camera import document
from tests.runtime.planted import COLOURS

ALMOST = Rate(hits=28, total=30, low=0.7, high=0.99)


def bundle(folder: Path, simulated: object, *, witnesses: int = 1) -> Path:
    writer, picture = BundleWriter(folder), np.full((8, 8, 3), 90, np.uint8)
    for number in range(witnesses):
        writer.add(
            clean=picture, changed=picture + np.uint8(number + 1), placebo=picture, label="red", label_given=True,
            goal=UNTARGETED, prepared=False, torch_float=True, torch_8bit=True, source="a",
        )  # fmt: skip
    writer.finish(card=COLOURS, origin="test", threat={}, attack={"simulated": simulated}, counts={})
    return folder


def run(folder: Path, source: str, hits: int) -> Path:
    told = document()
    told["source"] = source
    told["summaries"] = [
        one | {"exhibit": "0000", "build": "int8.onnx", "misread": one["misread"] | {"hits": hits}}
        for one in told["summaries"][:1]
    ]
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(told))
    return folder


def test_a_change_is_followed_from_channel_to_channel(tmp_path: Path) -> None:
    made = bundle(tmp_path / "b", {"success": ALMOST.text(), "placebo_misread": "0/30 (0.0 %)"})
    results = (
        run(tmp_path / "rig", "virtual", 2),
        run(tmp_path / "device", "device:0", 1),
        run(tmp_path / "again", "device:0", 0),
    )
    report(ReportOptions(results=results, out=tmp_path / "r.html", bundle=made))
    page = (tmp_path / "r.html").read_text()
    section = page[page.index('id="channels"') :].partition("</table>")[0]
    rows = [[re.findall("<b>(.*?)</b>", cell) for cell in row.split("<td")[2:]] for row in section.split("<tr>")[2:]]
    assert rows == [[["28/30"], ["2/3"], ["1/3", "0/3"]], [["0/30"], [], []]]
    assert all(text in section for text in ("0000 placebo", "int8.onnx", "70.0"))


def test_each_witness_has_its_own_searched_rate_and_footage_its_column(tmp_path: Path) -> None:
    told = {"0000": {"success": ALMOST.text(), "placebo_misread": "1/30 (3.3 %)"}, "0001": {"success": "5/30 (16.7 %)"}}
    made = bundle(tmp_path / "b", told, witnesses=2)
    results = (run(tmp_path / "rig", "virtual", 2), run(tmp_path / "road", "footage:tracks", 1))
    report(ReportOptions(results=results, out=tmp_path / "r.html", bundle=made))
    page = (tmp_path / "r.html").read_text()
    section = page[page.index('id="channels"') :].partition("</table>")[0]
    rows = [[re.findall("<b>(.*?)</b>", cell) for cell in row.split("<td")[2:]] for row in section.split("<tr>")[2:]]
    assert rows == [[["28/30"], ["2/3"], ["1/3"], []], [["1/30"], [], [], []], [["5/30"], [], [], []]]


def test_one_channel_alone_is_no_comparison(tmp_path: Path) -> None:
    report(ReportOptions(results=(run(tmp_path / "rig", "virtual", 2),), out=tmp_path / "r.html"))
    assert 'id="channels"' not in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    "simulated", [None, 7, {"success": 3}, {"success": "many"}, {"success": "9/3"}, {"success": "1/2 <b>"}]
)
def test_what_a_stranger_wrote_into_a_manifest_is_no_rate(simulated: Any, tmp_path: Path) -> None:
    made = bundle(tmp_path / "b", simulated)
    report(ReportOptions(results=(run(tmp_path / "rig", "virtual", 2),), out=tmp_path / "r.html", bundle=made))
    assert 'id="channels"' not in (tmp_path / "r.html").read_text()


def test_a_rate_that_may_be_of_either_witness_is_of_none(tmp_path: Path) -> None:
    made = bundle(tmp_path / "b", {"success": ALMOST.text()}, witnesses=2)
    report(ReportOptions(results=(run(tmp_path / "rig", "virtual", 2),), out=tmp_path / "r.html", bundle=made))
    assert 'id="channels"' not in (tmp_path / "r.html").read_text()


def test_names_are_text_and_what_was_only_searched_stands_too() -> None:
    found = channels(
        ReportContent(
            title="t",
            headline="h",
            channels=(
                ChannelRate(exhibit=PLANTED, reader=PLANTED, channel=TEST, rate=wilson(1, 2)),
                ChannelRate(exhibit=PLANTED, reader=PLANTED, channel=CAPTURED, rate=wilson(0, 2)),
                ChannelRate(exhibit="searched", reader=SEARCHED, channel=TRAINING, rate=wilson(2, 2)),
            ),
        )
    )
    assert found is not None
    assert "<script" not in str(found)
    assert str(found).index("1/2") < str(found).index("0/2") < str(found).index("2/2")
