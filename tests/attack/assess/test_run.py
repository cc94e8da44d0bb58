"""`assess` against the closed form: the share of images whose optimum is outside the budget, for model and build."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from misread.attack.assess import run
from misread.attack.assess.options import AssessOptions
from misread.attack.assess.run import assess
from misread.attack.assess.suite import SUITES, Stage
from misread.attack.gradient.apgd import ApgdTargeted
from misread.attack.query.square import Square
from misread.attack.threat import Threat
from misread.bundle import read_bundle
from misread.errors import FileError, InputError, OptionError
from misread.files import sha256_file
from misread.flags import CardFlags
from misread.report.json import dumps, result_document
from misread.report.text.assess import assess_text
from tests.attack.assess.linear import SIDE, classifier, write_factory, write_onnx, write_pictures

if TYPE_CHECKING:
    from misread.attack.assess.result import Assessment
    from misread.attack.assess.run import Progress

LEVELS = 9


@pytest.fixture(autouse=True)
def short_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two attacks that a linear model needs; the whole suite runs in the slow test."""
    stages = (
        SUITES["linf"][0],
        Stage(name="apgd-t", attack=ApgdTargeted(steps=20)),
        Stage(name="square", attack=Square(queries=300)),
    )
    monkeypatch.setitem(SUITES, "linf", stages)


def _options(place: Path, **changes: object) -> AssessOptions:
    instance = classifier()
    place.mkdir(exist_ok=True)
    model, labels = write_factory(instance, place)
    data = write_pictures(instance, place / "data")
    settings: dict[str, object] = {
        "model": model,
        "threat": Threat(eps=LEVELS / 255),
        "data": data,
        "flags": CardFlags(labels=labels, size=str(SIDE)),
    }
    return AssessOptions(**(settings | changes))  # type: ignore[arg-type]


def test_robust_accuracy_is_the_share_outside_the_budget(tmp_path: Path) -> None:
    outside = classifier().optimum_levels() > LEVELS
    assert 0 < outside.sum() < len(outside)
    result = assess(_options(tmp_path, out=tmp_path / "bundle"))
    assert (result.clean.hits, result.clean.total) == (12, 12)
    assert (result.robust.hits, result.robust.total) == (outside.sum(), 12)
    assert [one.fell_to == "stands" for one in result.each] == outside.tolist()
    assert [stage.standing.hits for stage in result.stages][-1] == outside.sum()
    assert len(read_bundle(tmp_path / "bundle").witnesses) == 12 - outside.sum()


def test_the_figure_for_a_build_is_about_the_build(tmp_path: Path) -> None:
    """A build with other margins has another figure, reached by attacking it and not by showing it old copies."""
    tougher = classifier(lean=0.35)
    path = write_onnx(tougher, tmp_path / "tough.onnx")
    logits = tougher.images.flatten(1).double().numpy() @ tougher.weight.T + tougher.bias
    right = logits.argmax(1) == classifier().labels.numpy()
    relabelled = type(tougher)(tougher.weight, tougher.bias, tougher.images, classifier().labels)
    outside = right & (relabelled.optimum_levels() > LEVELS)
    result = assess(_options(tmp_path, builds=(path,)))
    (build,) = result.builds
    assert build.surrogate == ""
    assert build.fingerprint is not None
    assert build.fingerprint.model_sha256 == build.sha256
    assert result.fingerprint is None  # the model is a twin
    assert (build.clean.hits, build.robust.hits) == (right.sum(), outside.sum())
    assert build.transferred.hits < build.clean.hits - build.robust.hits  # copies made for the model were not enough
    fell = [one.builds["tough.onnx"] for one in result.each]
    assert [said == "stands" for said in fell] == outside.tolist()
    assert {"transfer", "apgd-t"} <= set(fell)


def test_a_build_without_gradients_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from misread.attack.assess import build as module
    from misread.attack.surrogate import UnsupportedOperator

    def refuse(*_: object) -> object:
        message = "operator Strange is not known"
        raise UnsupportedOperator(message)

    monkeypatch.setattr(module, "load_surrogate_origin", refuse)
    path = write_onnx(classifier(), tmp_path / "same.onnx")
    (build,) = assess(_options(tmp_path, builds=(path,))).builds
    assert build.surrogate == "operator Strange is not known"
    assert [stage.name for stage in build.stages] == ["noise", "square"]
    assert build.transferred.hits == build.transferred.total == build.clean.hits - build.robust.hits


def test_an_onnx_file_is_assessed_by_itself(tmp_path: Path) -> None:
    outside = classifier().optimum_levels() > LEVELS
    path = write_onnx(classifier(), tmp_path / "net.onnx")
    result = assess(_options(tmp_path, model=str(path), flags=CardFlags()))
    assert result.robust.hits == outside.sum()
    assert result.fingerprint is not None
    assert result.fingerprint.model_sha256 == sha256_file(path)


def test_the_text_and_the_document_say_it_all(tmp_path: Path) -> None:
    path = write_onnx(classifier(lean=0.35), tmp_path / "tough.onnx")
    result = assess(_options(tmp_path, builds=(path,), limit=5, out=tmp_path / "bundle"))
    text = assess_text(result)
    for word in ("robust on tough.onnx", "apgd-t", "broken by the same copies", "still stand", "bundle"):
        assert word in text
    document = json.loads(dumps(result_document("misread-assessment", result)))
    assert document["kind"] == "misread-assessment"
    assert document["robust"]["total"] == 5
    assert document["card_from"] == ["flags", "defaults of the flags"]
    assert document["builds"][0]["card_from"] == ["misread card"]
    assert "card                  from flags, defaults of the flags" in text
    assert " from misread card" in text
    assert document["sentence"].startswith(result.model)


def test_pictures_without_labels_are_labelled_by_what_is_read(tmp_path: Path) -> None:
    options = _options(tmp_path)
    result = assess(_options(tmp_path / "again", data=(tmp_path / "data")))
    assert not result.labels_given
    assert result.clean.hits == 12
    assert "labelled by what the model reads" in assess_text(result)
    assert options.data is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threat": Threat()}, "add for instance --eps 8/255"),
        ({"limit": 0}, "limit is at least 1"),
        ({"seed": -1}, "seed is a whole number"),
        ({"data": None}, "add --data"),
        ({"resume": True}, "give the same -o"),
        ({"builds": (Path("a.onnx"), Path("a.onnx"))}, "given twice"),
    ],
)
def test_options_refuse_at_birth(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        _options(tmp_path, **changes)


def test_weights_do_not_belong_to_a_file(tmp_path: Path) -> None:
    path = write_onnx(classifier(), tmp_path / "net.onnx")
    with pytest.raises(OptionError, match="holds its own"):
        assess(_options(tmp_path, model=str(path), weights=tmp_path / "w.pt"))


def test_a_file_without_gradients_is_asked_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from misread.attack import subject
    from misread.attack.surrogate import UnsupportedOperator

    def refuse(*_: object) -> object:
        message = "operator Strange is not known"
        raise UnsupportedOperator(message)

    monkeypatch.setattr(subject, "_surrogate", refuse)
    path = write_onnx(classifier(), tmp_path / "net.onnx")
    result = assess(_options(tmp_path, model=str(path), flags=CardFlags()))
    assert [stage.name for stage in result.stages] == ["noise", "square"]
    assert result.warnings[0].name == "no-gradients"
    assert "Strange" in assess_text(result)


def test_a_misreading_inside_the_noise_does_not_break_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from misread.attack import judges

    path = write_onnx(classifier(), tmp_path / "net.onnx")
    monkeypatch.setattr(judges, "LEAST_SLACK", 1e9)
    (build,) = assess(_options(tmp_path, builds=(path,))).builds
    assert build.robust.hits == build.clean.hits == 12


def _stops(after: int) -> Progress:
    def progress(what: str, done: int, total: int) -> None:
        if what == "assessing: apgd-t" and done >= after:
            raise KeyboardInterrupt

    return progress


def _plain(result: Assessment) -> Any:
    """All but the seconds."""
    document = result_document("misread-assessment", replace(result, seconds=0.0))
    for stages in (document["stages"], *(build["stages"] for build in document["builds"])):
        for stage in stages:
            stage["seconds"] = 0.0
    return document


def test_a_stopped_run_goes_on_to_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 4)
    path = write_onnx(classifier(lean=0.35), tmp_path / "tough.onnx")
    options = _options(tmp_path, builds=(path,), out=tmp_path / "bundle")
    whole = assess(options)
    before = {file.name: file.read_bytes() for file in sorted((tmp_path / "bundle").rglob("*.png"))}
    options = replace(options, overwrite=True)
    with pytest.raises(KeyboardInterrupt, match=r"4 of 12 pictures are kept in .*--resume goes on"):
        assess(options, progress=_stops(4))
    moved = (tmp_path / "bundle").rename(tmp_path / "first")
    with pytest.raises(InputError, match="holds 4 of 12 pictures of a run that was stopped"):
        assess(replace(options, overwrite=False))
    moved.rename(tmp_path / "bundle")
    with pytest.raises(KeyboardInterrupt):
        assess(replace(options, resume=True), progress=_stops(8))
    resumed = assess(replace(options, resume=True))
    assert _plain(resumed) == _plain(whole)
    assert {file.name: file.read_bytes() for file in sorted((tmp_path / "bundle").rglob("*.png"))} == before
    assert len(read_bundle(tmp_path / "bundle").witnesses) * 3 == len(before)


def test_a_journal_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 4)
    options = _options(tmp_path, out=tmp_path / "bundle")
    with pytest.raises(KeyboardInterrupt):
        assess(options, progress=_stops(4))
    with pytest.raises(OptionError, match="was begun with threat"):
        assess(replace(options, resume=True, threat=Threat(eps=3 / 255)))
    journal = tmp_path / "bundle.part" / "journal.jsonl"
    head, line = journal.read_text().splitlines()
    journal.write_text(f"{head}\n{line.replace('000.png', '900.png')}\n")
    with pytest.raises(FileError, match="cannot resume: the pictures are others"):
        assess(replace(options, resume=True))
    journal.write_text(f"{head}\n{line.replace('standing', 'upright')}\n")
    with pytest.raises(FileError, match="cannot resume: 'standing' is missing"):
        assess(replace(options, resume=True))
