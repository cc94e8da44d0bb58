from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from misread.errors import FileError
from misread.pixels import write_png
from misread.report.html import render_report
from misread.report.results import KINDS
from misread.report.results.camera import camera
from misread.report.results.source import Source, read_source
from tests.report.results.planted import PLANTED

if TYPE_CHECKING:
    from pathlib import Path

RATE = {"hits": 2, "total": 3, "share": 2 / 3, "low": None, "high": None}


def summary(arm: str, trace: list[str]) -> dict[str, Any]:
    return {
        "exhibit": f"{arm} {PLANTED}", "arm": arm, "group": "0", "build": PLANTED, "crop": "raw", "label": "Stop",
        "target": None, "captured": 4, "measured": 3, "clips": 2, "misread": RATE, "targeted": None,
        "clips_misread": 1, "longest_run": 2, "longest_label": PLANTED, "first_misread_s": None, "first_right_s": 0.1,
        "labels": [[PLANTED, 2], ["Stop", 1]], "trace": trace,
    }  # fmt: skip


def document(*files: str | None) -> dict[str, Any]:
    exhibit = f"adversarial {PLANTED}"
    readout = {"build": PLANTED, "crop": "raw", "label": PLANTED, "confidence": 0.7, "margin": None}
    frame = {"exhibit": exhibit, "arm": "adversarial", "clip": 1, "seconds": 0.5, "readouts": [readout]}
    frames = [frame | {"index": at, "file": file} for at, file in enumerate(files)]
    verdict = {
        "exhibit": exhibit, "build": PLANTED, "crop": "raw", "finding": "persists", "reason": PLANTED, "misread": RATE
    }  # fmt: skip
    return {
        "schema": 1, "kind": "misread-camera", "source": PLANTED, "claim": "raw", "frames": 4, "located": 3,
        "seconds": 1.5, "ended": "interrupted",
        "health": {"dropped": 0, "gaps": [], "properties": [], "notes": [PLANTED]},
        "thresholds": {"control": 0.95, "placebo": 0.05, "persist": 0.5, "min_frames": 5}, "card_from": {},
        "summaries": [summary("adversarial", ["x.", "-x"]), summary("clean", ["..", ".."])], "verdicts": [verdict],
        "key_frames": frames, "fingerprints": {PLANTED: {"cpu": PLANTED}}, "sentence": "", "exit_code": 130,
    }  # fmt: skip


def source_of(folder: Path, told: dict[str, Any]) -> Source:
    folder.mkdir(exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(told))
    return read_source(folder, KINDS, bundle=None, pictured=2)


def test_a_run_shows_its_clips_and_its_film(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_png(tmp_path / "frames/0.png", np.full((20, 30, 3), 90, np.uint8))
    content = camera(source_of(tmp_path, document("frames/0.png", "frames/gone.png", None)))
    (view,) = content.cameras
    changed, clean = view.arms
    assert changed.clips == ((True, False), (None, True))
    assert [(frame.clip, frame.time_s, frame.image.shape) for frame in changed.film] == [(1, 0.5, (20, 30, 3))]
    assert (clean.film, clean.clips) == ((), ((False, False), (False, False)))
    assert content.headline == (
        f"Before the camera the change adversarial {PLANTED} persists on {PLANTED}, misread in 2/3 frames."
    )
    assert any("2 key frames" in warning for warning in content.warnings)
    assert any("interrupted" in warning for warning in content.warnings)
    page = render_report(content)
    assert "<script" not in page


def test_a_run_without_claims_says_how_many_frames(tmp_path: Path) -> None:
    told = document() | {"verdicts": []}
    assert camera(source_of(tmp_path, told)).headline == "4 frames were filmed."


def test_a_key_frame_outside_the_run_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "secret.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(FileError, match="outside its folder"):
        camera(source_of(tmp_path / "run", document("../secret.png")))
