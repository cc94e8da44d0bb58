from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misread.bundle import Bundle, BundleWriter
from misread.card import ModelCard
from misread.demo import DemoOptions, story
from misread.report.camera import Timeline
from misread.report.html import render_report
from misread.runtime.camera.judge import Persistence, Thresholds
from misread.runtime.camera.result import CameraResult
from misread.runtime.source import Health
from misread.runtime.verdict import BuildVerdict, Judgement, Look, Step, Verdict, Verification
from misread.stats import clip_rate, wilson
from misread.wish import UNTARGETED

CARD = ModelCard(labels=("Stop", "Give way", "No entry"), size_hw=(8, 8))
BUILDS = ("signs.onnx", "signs_int8.onnx")


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    writer = BundleWriter(tmp_path)
    clean = np.full((8, 8, 3), 100, np.uint8)
    changed = clean.copy()
    changed[0, :2] = 102
    for _ in range(2):
        common: dict[str, Any] = {"torch_float": True, "torch_8bit": True, "source": "drawn", "goal": UNTARGETED}
        writer.add(clean=clean, changed=changed, label="Stop", label_given=True, prepared=True, **common)
    return writer.finish(card=CARD, origin="test", threat={}, attack={}, counts={})


def _verification(bundle: Bundle, read: tuple[str, str], witness: str) -> Verification:
    builds, steps = [], []
    for name, label in zip(BUILDS, read, strict=True):
        verdict = Verdict.REFUTED if label == "Stop" else Verdict.VERIFIED
        judgement = Judgement(
            witness=witness,
            label="Stop",
            goal=UNTARGETED,
            verdict=verdict,
            clean=Look(label="Stop", confidence=0.9981 if name == BUILDS[0] else 0.97, margin=5.0),
            changed=Look(label=label, confidence=0.5, margin=-1.0),
            misread=label != "Stop",
        )
        builds.append(BuildVerdict(name=name, judgements=(judgement,)))
        steps.append(Step(reader=name, rung="file", title="from file", survived=wilson(int(label != "Stop"), 1)))
    return Verification(bundle=bundle.folder, witnesses=1, builds=tuple(builds), ladder=tuple(steps))


def _film(minimal: tuple[int, int], physical: tuple[int, int]) -> tuple[CameraResult, Timeline]:
    verdicts = [
        Persistence(
            exhibit=exhibit,
            build=build,
            crop="raw",
            finding="persists" if hits > 25 else "does-not-persist",
            reason="the 95 % interval says so",
            misread=clip_rate([hits // 5] * 5, [10] * 5),
        )
        for exhibit, counts in (("0000", minimal), ("0001", physical))
        for build, hits in zip(BUILDS, counts, strict=True)
    ]
    result = CameraResult(
        source="virtual",
        claim="raw",
        frames=200,
        located=200,
        seconds=1.0,
        ended="source",
        health=Health(),
        thresholds=Thresholds(),
        summaries=(),
        verdicts=tuple(verdicts),
        key_frames=(),
    )
    return result, Timeline()


def _found(
    bundle: Bundle, read: tuple[str, str] = ("Give way", "Give way"), film: tuple[CameraResult, Timeline] | None = None
) -> story.Found:
    return story.Found(
        options=DemoOptions(out=Path("shown")),
        builds=tuple(Path(name) for name in BUILDS),
        bundle=bundle,
        stop={name: _verification(bundle, read, name) for name in ("0000", "0001")},
        scenes=_verification(bundle, read, "0000"),
        film=film,
    )


def test_the_sentence_says_the_least_sure_clean_reading_the_change_and_the_frames(bundle: Bundle) -> None:
    found = _found(bundle, film=_film((0, 0), (45, 45)))
    assert story.sentence(found) == (
        "A stop sign read with 97.0 % confidence is read as \u201cGive way\u201d by both deployed builds after 6 of "
        "192 values changed, none by more than 2 of 255 levels; through the camera the minimal change persists in 0/50 "
        "frames, the physical one in 45/50."
    )


def test_where_builds_differ_the_sentence_takes_the_less_favourable_and_says_so(bundle: Bundle) -> None:
    found = _found(bundle, film=_film((0, 5), (45, 40)))
    assert story.sentence(found).endswith("persists in at most 5/50 frames, the physical one in at least 40/50.")


def test_builds_that_read_differently_are_named(bundle: Bundle) -> None:
    said = story.sentence(_found(bundle, ("Give way", "No entry")))
    assert "is read as \u201cGive way\u201d by signs.onnx and \u201cNo entry\u201d by signs_int8.onnx after" in said
    assert said.endswith("levels.")


def test_a_build_that_is_not_fooled_is_not_claimed(bundle: Bundle) -> None:
    found = _found(bundle, ("Give way", "Stop"))
    assert "is misread by 1 of 2 deployed builds" in story.sentence(found)
    broken = [one.what for one in story.expectations(found) if not one.met]
    assert broken == [
        "every build misreads the minimal change, beyond its own noise",
        "signs_int8.onnx misreads at least half of the attacked scenes",
    ]


def test_a_camera_that_says_otherwise_breaks_a_promise_and_the_report_shows_it(bundle: Bundle) -> None:
    found = _found(bundle, film=_film((45, 0), (45, 0)))
    broken = [one.what for one in story.expectations(found) if not one.met]
    assert broken == [
        "before the camera the minimal change does not persist on signs.onnx",
        "before the camera the physical change persists on signs_int8.onnx",
    ]
    assert render_report(story.content(found, (), "now")).count("Not as promised") == 2


def test_promises_kept_leave_no_warning(bundle: Bundle) -> None:
    shown = story.content(_found(bundle, film=_film((0, 0), (50, 50))), (("Export", 1.0),), "now")
    assert shown.warnings == ()
    assert [fact.value for fact in shown.facts] == ["6", "2", "2 of 2", "0/50", "50/50"]
    assert "on every rung" in shown.ladder_note
    assert [line.split()[1] for line in shown.commands] == ["demo", "verify", "verify", "camera"]


def test_commands_survive_a_shell(bundle: Bundle) -> None:
    found = replace(_found(bundle), options=DemoOptions(out=Path("my demo"), seed=3))
    again = [shlex.split(line) for line in story.commands(found)]
    assert again[0] == ["misread", "demo", "-o", "my demo", "--overwrite", "--seed", "3"]
    assert again[1][2:5] == ["my demo/stop-sign", "-m", "my demo/signs.onnx"]
