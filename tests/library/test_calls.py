"""Keywords become the very options that a command makes; what is misspelt is refused with a suggestion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misread
from misread.errors import OptionError, UnknownName
from misread.library.options import options_of, with_torch
from misread.runtime.compare import CompareOptions
from misread.runtime.evaluate import EvalOptions
from misread.runtime.gates import Gates
from misread.runtime.perf import PerfOptions
from misread.runtime.session import SessionOptions
from misread.runtime.verify import VerifyOptions
from tests.runtime.planted import COLOURS, MEANS, brightness, bundle_of, flat

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
OTHER = SessionOptions(threads=1)


def given(monkeypatch: pytest.MonkeyPatch, place: str) -> list[Any]:
    """Put a double in a call's place; return the list that gets its arguments."""
    seen: list[Any] = []
    monkeypatch.setattr(place, lambda *args, **_: seen.extend(args))
    return seen


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


def test_verify_makes_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = given(monkeypatch, "misread.library.device.run_verify")
    misread.verify("b", "m.onnx")
    misread.verify(Path("b"), ["m.onnx", Path("n.onnx")], max_flips=3, baseline="old.json", session=OTHER, rungs="file")
    assert seen == [
        VerifyOptions(bundle=Path("b"), builds=(Path("m.onnx"),)),
        VerifyOptions(
            bundle=Path("b"),
            builds=(Path("m.onnx"), Path("n.onnx")),
            gates=Gates(max_flips=3, baseline=Path("old.json")),
            session=OTHER,
            rungs=("file",),
        ),
    ]


def test_the_others_make_theirs(monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    reader = brightness()
    seen = given(monkeypatch, "misread.runtime.evaluate.evaluate")
    misread.evaluate(reader, "d", limit=3)
    assert seen == [reader, EvalOptions(data=Path("d"), limit=3)]
    seen = given(monkeypatch, "misread.runtime.compare.compare")
    misread.compare(reader, str(build), "d", min_agreement=0.5, card=COLOURS, session=OTHER)
    assert seen[0] is reader
    assert (seen[1].path, seen[1].card, seen[1].options) == (build, COLOURS, OTHER)
    assert seen[2] == CompareOptions(data=Path("d"), min_agreement=0.5)
    seen = given(monkeypatch, "misread.runtime.perf.perf")
    misread.perf("m.onnx", threads=1, batches=[1, 8])
    assert seen == [PerfOptions(builds=(Path("m.onnx"),), threads=(1,), batches=(1, 8))]


def test_the_host_s_make_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from misread.attack.assess.options import AssessOptions
    from misread.attack.options import AttackOptions
    from misread.attack.threat import Threat
    from misread.export.quantize.run import QuantizeOptions
    from misread.export.run import ExportOptions
    from misread.wish import Wish

    seen = given(monkeypatch, "misread.export.run.export_builds")
    misread.export_builds("signs", "m.onnx", precisions=["fp32", "int8"], weights="w.pt")
    assert seen == [
        ExportOptions(origin="signs", out=Path("m.onnx"), precisions=("fp32", "int8"), weights=Path("w.pt"))
    ]
    seen = given(monkeypatch, "misread.export.quantize.run.quantize")
    misread.quantize("m.onnx", Path("n.onnx"), precision="fp16")
    assert seen == [QuantizeOptions(model=Path("m.onnx"), out=Path("n.onnx"), precision="fp16")]
    seen = given(monkeypatch, "misread.attack.run.attack_to_bundle")
    misread.attack_to_bundle("signs", "b", norm="l2", eps="1/2", target="Yield", builds="m.onnx")
    misread.attack_to_bundle(Path("m.onnx"), "b", data="d", away_from=["Yield", "Stop"])
    assert seen == [
        AttackOptions(
            origin="signs",
            out=Path("b"),
            threat=Threat(norm="l2", eps=0.5),
            wish=Wish.of(["Yield"]),
            builds=(Path("m.onnx"),),
        ),
        AttackOptions(origin="m.onnx", out=Path("b"), data=Path("d"), wish=Wish.of((), ["Yield", "Stop"])),
    ]
    seen = given(monkeypatch, "misread.attack.assess.run.assess")
    misread.assess("signs", 8 / 255, limit=2)
    assert seen == [AssessOptions(model="signs", threat=Threat(eps=8 / 255), limit=2)]
    seen = given(monkeypatch, "misread.export.reader.open_twin")
    given(monkeypatch, "misread.runtime.evaluate.evaluate")
    misread.evaluate("signs", "d")
    assert seen == ["signs"]


def test_a_misspelt_keyword_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown keyword 'sesion'; did you mean 'session'"):
        misread.verify("b", "m.onnx", sesion=OTHER)
    with pytest.raises(OptionError, match="given twice"):
        misread.verify("b", ["m.onnx", "m.onnx"])


def test_a_path_stays_none_where_none_was_said() -> None:
    assert options_of(Gates, baseline=None) == Gates()


def test_a_missing_module_of_misread_itself_is_a_bug() -> None:
    def missing(name: str | None) -> None:
        with with_torch("attack"):
            raise ModuleNotFoundError("gone", name=name)

    with pytest.raises(ModuleNotFoundError):
        missing("misread.nix")
    with pytest.raises(ModuleNotFoundError):
        missing(None)
    with pytest.raises(misread.MissingExtra, match=r"needs onnxscript, .*misread\[attack\]"):
        missing("onnxscript.ir")


def test_all_of_it_on_a_real_build(tmp_path: Path, build: Path) -> None:
    red, green = np.array([200, 40, 0], np.uint8), np.array([40, 200, 0], np.uint8)
    clean, changed = flat(0) + red, flat(0) + green
    bundle_of(tmp_path / "b", [(clean, changed)] * 2, card=COLOURS, label="red")
    found = misread.verify(str(tmp_path / "b"), str(build), max_flips=1)
    assert (found.exit_code, found.builds[0].count(misread.Verdict.VERIFIED)) == (1, 2)
    (tmp_path / "old.json").write_text(misread.as_json(found))
    assert misread.verify(tmp_path / "b", build, baseline=tmp_path / "old.json").passed
    assert misread.load_build(build, card=COLOURS).read([clean, changed]).labels == ("red", "green")
    assert misread.load_bundle(str(tmp_path / "b")).witnesses[0].label == "red"
    assert json.loads(misread.as_json(misread.inspect(str(build))))["kind"] == "misread-inspection"


@pytest.mark.skipif(not PAGE.exists(), reason="the tests run away from the tree")
@pytest.mark.parametrize(("misread_ones", "code"), [(3, 0), (4, 1)])
def test_the_page_s_own_script_runs(
    tmp_path: Path, build: Path, monkeypatch: pytest.MonkeyPatch, misread_ones: int, code: int
) -> None:
    red, green = flat(0) + np.array([200, 40, 0], np.uint8), flat(0) + np.array([40, 200, 0], np.uint8)
    bundle_of(tmp_path / "bundle", [(red, green)] * misread_ones, card=COLOURS, label="red")
    for name in ("signs.onnx", "signs_int8.onnx"):
        (tmp_path / name).write_bytes(build.read_bytes())
    block = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        exec(block, {})  # noqa: S102  our own page
    assert end.value.code == code


def test_only_results_have_a_document() -> None:
    with pytest.raises(UnknownName, match="unknown result 'int'"):
        misread.as_json(3)
