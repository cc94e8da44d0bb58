"""What `misread camera` prints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from misread.report.text import camera_text
from misread.runtime.camera.bins import Bin
from misread.runtime.camera.judge import Persistence, Thresholds
from misread.runtime.camera.pairs import ClipPair
from misread.runtime.camera.result import CameraResult
from misread.runtime.camera.tally import Summary
from misread.runtime.camera.votes import Voted
from misread.runtime.source import Health
from misread.stats import clip_rate, exact, wilson
from tests.report.text.hostile import EVIL, clean, fits


def summary(arm: str, hits: int, **changes: Any) -> Summary:
    values: dict[str, Any] = {
        "exhibit": f"stop-{arm}",
        "arm": arm,
        "group": "stop",
        "build": "int8.onnx",
        "crop": "raw",
        "label": "Stop",
        "target": None,
        "captured": 60,
        "measured": 50,
        "clips": 8,
        "misread": wilson(hits, 50),
        "targeted": None,
        "clips_misread": 8 if hits else 0,
        "longest_run": hits,
        "longest_label": EVIL if hits else None,
        "first_misread_s": 0.25 if hits else None,
        "first_right_s": 0.1,
        "labels": ((EVIL, hits), ("Stop", 50 - hits)),
    }
    return Summary(**values | changes)


def camera(*summaries: Summary, **changes: Any) -> CameraResult:
    verdict = Persistence(
        exhibit="stop-adversarial",
        build="int8.onnx",
        crop="raw",
        finding="persists",
        reason="the interval lies above 50 %",
        misread=wilson(45, 50),
    )
    values: dict[str, Any] = {
        "source": f"rtsp://{EVIL}",
        "claim": "raw",
        "frames": 120,
        "located": 100,
        "seconds": 4.0,
        "ended": "clips",
        "health": Health(dropped=3, properties=(("size", "640x480"),), notes=("the clock is ours",)),
        "thresholds": Thresholds(),
        "summaries": summaries,
        "verdicts": (verdict,),
        "key_frames": (),
        "folder": Path("run"),
        "card_from": {EVIL: ("flags", "graph"), "function": ()},
    }
    return CameraResult(**values | changes)


def test_a_camera_run_shows_every_arm() -> None:
    unread = summary("background", 0, label=None, labels=(), measured=0, misread=wilson(0, 0))
    other = summary("clean", 1, crop="rectified")
    text = camera_text(camera(other, summary("clean", 0), summary("adversarial", 45), unread))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "stop-clean clean 0/50 0.0-7.1 0/8 - -" in lines
    assert any(line.startswith("stop-adversarial adversarial 45/50 78.6-95.7 8/8") for line in lines)
    assert "stop-background: found in none of 60 frames" in lines
    assert lines.index("int8.onnx, raw crop") < lines.index("int8.onnx, rectified crop")
    assert "lost 3 frames dropped for newer ones" in lines
    assert r"card \x1b[2J\u202eevil from flags, graph" in lines
    assert "note: the clock is ours" in lines
    assert "persists: stop-adversarial on int8.onnx: the interval lies above 50 %" in lines
    assert "hangs on control 95.0 %, placebo 5.0 %, persist 50.0 %, at least 5 frames" in lines
    assert "From the raw crop of 120 frames" in text
    assert fits(text)
    assert clean(text)


def test_what_a_product_would_take_stands_below_the_frames() -> None:
    vote = Voted(rule="3 of 5", misread=clip_rate([3] * 8, [4] * 8), undecided=1, label=EVIL)
    shares = {"in_runs": clip_rate([4] * 8, [6] * 8), "runs": exact(7, 8), "runs_alike": exact(6, 8)}
    changed = summary("adversarial", 45, never_right=exact(1, 8), votes=(vote,), **shares)
    text = camera_text(camera(changed, summary("clean", 0)))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "exhibit run of 3 alike in runs 3 of 5 never right" in lines
    assert "stop-adversarial 7/8 6/8 66.7 % 75.0 % 1/8" in lines
    assert fits(text)
    assert clean(text)


def test_control_and_changed_stand_side_by_side_by_where_they_are_seen_from() -> None:
    near, far = (_bin(row, 18, 20) for row in (0, 1))
    changed = summary("adversarial", 36, bins=(near, far))
    text = camera_text(camera(changed, summary("clean", 1, bins=(_bin(0, 1, 20), _bin(2, 0, 3)))))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "0-1 m, 0-15 deg 1/20 5.0 % 18/20 90.0 %" in lines
    assert "1-2 m, 0-15 deg - 18/20 90.0 %" in lines
    assert "2-3 m, 0-15 deg (0/3) -" in lines
    assert fits(text)
    calm = camera_text(camera(summary("adversarial", 0, bins=(_bin(0, 0, 9), _bin(1, 0, 9)))))
    assert "seen from" not in calm


def test_differences_say_their_test() -> None:
    pair = ClipPair(
        kind="arms",
        first="stop-adversarial",
        second=EVIL,
        shared="int8.onnx",
        crop="raw",
        paired=True,
        clips=(8, 8),
        difference=0.9,
        low=0.5,
        high=1.0,
        test="mcnemar",
        p_value=0.0078125,
    )
    apart = replace(pair, second="x", paired=False, low=None, high=None, test="permutation", p_value=1e-4)
    text = camera_text(camera(summary("adversarial", 45), pairs=(pair, apart, replace(pair, crop="rectified"))))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert sum(line.endswith("int8.onnx +90.0 +50.0 to +100.0 0.0078") for line in lines) == 1
    assert "stop-adversarial - x int8.onnx +90.0 - <0.001*" in lines
    assert "with * by a permutation of clips" in text.replace("\n", " ")
    assert "permutation" not in camera_text(camera(summary("adversarial", 45), pairs=(pair,)))
    assert fits(text)
    assert clean(text)


def _bin(row: int, hits: int, total: int) -> Bin:
    text = f"{row}-{row + 1} m, 0-15 deg"
    return Bin(by="sight", row=row, column=0, text=text, misread=wilson(hits, total), enough=total > 5)


def test_a_camera_that_saw_nothing_says_so() -> None:
    text = camera_text(camera(verdicts=(), folder=None, health=Health(), ended="unheard-of"))
    assert "nothing to read was found" in " ".join(text.split())
    assert "files" not in text
    assert "unheard-of" in text
