from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from misread import cli
from misread.errors import FileError, InputError, OptionError
from misread.report.json import dumps, verification_document
from misread.report.results.whole import ReportOptions, report
from misread.report.schema import schema_text
from tests.report.results.planted import PLANTED, made_bundle, made_verification
from tests.report.test_html import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.bundle import Bundle

RATE = {"hits": 1, "total": 2, "share": 0.5, "low": 0.1, "high": 0.9}
ASSESSMENT: Mapping[str, Any] = {
    "schema": 1, "kind": "misread-assessment", "sentence": PLANTED, "model": PLANTED, "pictures": 2,
    "threat": {"norm": "linf", "eps": 0.1}, "labels_given": False, "clean": RATE, "robust": RATE, "card_from": [],
    "stages": [{"name": PLANTED, "attempted": 2, "found": 1, "standing": RATE, "passes": 3.0, "seconds": 0.5}],
    "builds": [{
        "name": PLANTED, "clean": RATE, "robust": RATE, "stages": [], "surrogate": PLANTED,
        "fingerprint": {"cpu": PLANTED},
    }],
    "warnings": [{"name": "masking", "text": PLANTED}], "fingerprint": None,
}  # fmt: skip


def attack_document(bundle: Bundle) -> dict[str, Any]:
    made = {"folder": str(bundle.folder), "origin": PLANTED, "threat": dict(bundle.threat), "attack": {"name": PLANTED}}
    return {
        "schema": 1, "kind": "misread-attack", "bundle": made, "found": RATE, "zero_gradients": 1,
        "verified": {PLANTED: RATE}, "fingerprints": {PLANTED: {"cpu": PLANTED}},
        "curve": [{"eps": 1 / 255, "misread": RATE}, {"eps": 2 / 255, "misread": RATE}],
    }  # fmt: skip


def written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_foreign_strings_of_every_result_are_text(verdicts: Path, bundle: Bundle, tmp_path: Path) -> None:
    others = (
        written(tmp_path / "assess.json", ASSESSMENT),
        written(tmp_path / "attack.json", attack_document(bundle)),
    )
    out = tmp_path / "r.html"
    done = report(ReportOptions(results=(verdicts, *others), out=out, title=PLANTED))
    source = out.read_text()
    page = Page(source)
    assert (done.results, done.bytes) == (3, out.stat().st_size)
    assert page.open == []
    assert page.seen["script"] == 1
    assert source.count("&lt;script&gt;") > 50
    known = {"src", "href", "class", "id", "content"}
    assert not [key for _, attributes in page.attributes for key in attributes if key.startswith("on")]
    links = [value for _, attributes in page.attributes for key, value in attributes.items() if key in {"src", "href"}]
    assert links
    assert all(value is not None and value.startswith("data:image/") for value in links)
    assert all(PLANTED not in (attributes.get(key) or "") for _, attributes in page.attributes for key in known)
    anchors = {attributes.get("id") for tag, attributes in page.attributes if tag == "section"}
    assert anchors == {"witnesses", "builds", "assessment", "confusions", "curves", "ladder", "all", "record"}


def test_the_policy_knows_the_only_script_by_its_hash(verdicts: Path, tmp_path: Path) -> None:
    report(ReportOptions(results=(verdicts,), out=tmp_path / "r.html"))
    source = (tmp_path / "r.html").read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(attrs["content"] for _, attrs in Page(source).attributes if "http-equiv" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_pictures_that_an_attack_and_a_verification_share_come_once(
    verdicts: Path, bundle: Bundle, tmp_path: Path
) -> None:
    attack = written(tmp_path / "attack.json", attack_document(bundle))
    report(ReportOptions(results=(attack,), out=tmp_path / "a.html", pictured=2))
    assert (tmp_path / "a.html").read_text().count("Witness 000") == 2
    report(ReportOptions(results=(attack, verdicts), out=tmp_path / "b.html", pictured=2))
    assert (tmp_path / "b.html").read_text().count("Witness 000") == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "is no JSON document"),
        ("[1]", "of kind 'None'"),
        ('{"kind": "misread-perf", "schema": 1}', "of kind 'misread-perf'"),
        ('{"kind": "misread-verification", "schema": 9}', "update misread"),
        ('{"kind": "misread-verification", "schema": 1}', "'bundle' is missing"),
        ('{"kind": "misread-camera", "schema": 1, "key_frames": 3}', "no whole misread-camera document"),
    ],
)
def test_what_is_no_result_is_refused_and_nothing_is_left(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(FileError, match=said):
        report(ReportOptions(results=(path,), out=tmp_path / "r.html"))
    assert not (tmp_path / "r.html").exists()


def test_files_are_neither_lost_nor_made_up(verdicts: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        report(ReportOptions(results=(tmp_path / "nothing.json",), out=tmp_path / "r.html"))
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        report(ReportOptions(results=(verdicts,), out=tmp_path / "r.html"))
    assert (tmp_path / "r.html").read_text() == "mine"
    report(ReportOptions(results=(verdicts,), out=tmp_path / "r.html", overwrite=True))
    with pytest.raises(OptionError, match="one result or more"):
        ReportOptions(results=(), out=tmp_path / "r.html")
    with pytest.raises(OptionError, match="got 101"):
        ReportOptions(results=(verdicts,), out=tmp_path / "r.html", pictured=101)


def test_the_command_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ReportOptions] = []

    def call(options: ReportOptions) -> None:
        given.append(options)
        raise InputError("enough")

    monkeypatch.setattr("misread.report.results.whole.report", call)
    more = ["-o", "o.html", "--bundle", "b", "--title", "T", "--pictures", "3", "--overwrite"]
    for argv in (["a.json"], ["a.json", "filmed", *more]):
        assert CliRunner().invoke(cli.app, ["report", *argv]).exit_code == 2
    assert given == [
        ReportOptions(results=(Path("a.json"),), out=Path("report.html")),
        ReportOptions(
            results=(Path("a.json"), Path("filmed")),
            out=Path("o.html"),
            bundle=Path("b"),
            title="T",
            pictured=3,
            overwrite=True,
        ),
    ]


def test_the_command_says_where_the_report_lies(verdicts: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    ran = CliRunner().invoke(cli.app, ["report", str(verdicts), "-o", str(out)])
    assert ran.exit_code == 0
    assert "r.html" in ran.stdout
    assert "warning: lost could not be asked" in ran.stdout
    ran = CliRunner().invoke(cli.app, ["report", str(verdicts), "-o", str(out), "--overwrite", "--json"])
    document = json.loads(ran.stdout)
    assert document["bytes"] == out.stat().st_size
    schema = json.loads(schema_text("report"))
    assert document.keys() == schema["properties"].keys()
    assert all(name in document for name in schema["required"])


@pytest.mark.slow
def test_a_thousand_witnesses_stay_below_thirty_megabytes(tmp_path: Path) -> None:
    bundle = made_bundle(tmp_path / "bundle", 1000, side=64, noisy=True)
    path = tmp_path / "v.json"
    path.write_text(dumps(verification_document(made_verification(bundle))))
    done = report(ReportOptions(results=(path,), out=tmp_path / "r.html"))
    assert done.bytes < 30e6
    assert Page((tmp_path / "r.html").read_text()).seen["img"] == 1000 + 3 * 12
