from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from misread.report.camera import Timeline, camera_view
from misread.report.content import GridCell
from misread.runtime.camera.bins import Bin
from misread.runtime.camera.clips import Place
from misread.runtime.camera.judge import Thresholds, judge
from misread.runtime.camera.keyframes import KeyFrame
from misread.runtime.camera.observe import Observation, Readout
from misread.runtime.camera.pairs import pairs_of
from misread.runtime.camera.result import CameraResult
from misread.runtime.camera.subject import Subject
from misread.runtime.camera.tally import Tally
from misread.runtime.source import Frame, Health
from misread.stats import wilson

if TYPE_CHECKING:
    from misread.runtime.board import Arm

CLEAN = Subject(name="a clean", arm="clean", label="Stop")
CHANGED = Subject(name="a", arm="adversarial", label="Stop")


def _observation(index: int, subject: Subject | None, clip: int | None, label: str, bridged: int = 0) -> Observation:
    readout = Readout(build="int8", crop="raw", label=label, confidence=0.9, margin=None)
    image = np.zeros((8, 8, 3), np.uint8)
    return Observation(
        frame=Frame(image=image, index=index, time_ns=index * 100_000_000),
        place=Place(clip=clip, bridged=bridged),
        subject=subject,
        target=None,
        crops={},
        readouts=(readout,) if subject else (),
    )


RUN = (
    _observation(0, CLEAN, 0, "Stop"),
    _observation(1, CLEAN, 0, "Stop"),
    _observation(2, None, None, ""),
    _observation(3, CHANGED, 1, "Stop"),
    _observation(5, CHANGED, 1, "Give way", bridged=1),
    _observation(6, CHANGED, 2, "Give way"),
)


def _key(arm: Arm, clip: int, index: int) -> KeyFrame:
    name, label = ("a", "Give way") if arm == "adversarial" else ("a clean", "Stop")
    readout = Readout(build="int8", crop="raw", label=label, confidence=0.9, margin=None)
    return KeyFrame(
        exhibit=name,
        arm=arm,
        clip=clip,
        index=index,
        seconds=0.1 * index,
        image=np.zeros((4, 4, 3), np.uint8),
        readouts=(readout,),
    )


def _result(thresholds: Thresholds) -> tuple[CameraResult, Timeline]:
    tally, timeline = Tally(), Timeline()
    for observation in RUN:
        tally.add(observation)
        timeline.see(observation)
    summaries = tally.summaries()
    result = CameraResult(
        source="virtual",
        claim="raw",
        frames=len(RUN),
        located=5,
        seconds=0.6,
        ended="source",
        health=Health(),
        thresholds=thresholds,
        summaries=summaries,
        verdicts=judge(summaries, thresholds),
        key_frames=(_key("clean", 0, 1), _key("adversarial", 2, 6)),
        folder=Path("run"),
    )
    return result, timeline


def test_clips_hold_frames_in_order_and_lost_ones_as_not_measured() -> None:
    _, timeline = _result(Thresholds(min_frames=1))
    assert timeline.clips("a", "int8", "raw") == ((False, None, True), (True,))
    assert timeline.clips("a clean", "int8", "raw") == ((False, False),)
    assert timeline.clips("nobody", "int8", "raw") == ()
    assert timeline.seconds(5) == 0.2


def test_arms_stand_in_the_order_of_their_titles_with_what_was_counted() -> None:
    view = camera_view(*_result(Thresholds(min_frames=1)), "int8", {"a": "Changed", "a clean": "Clean"}, filmed=("a",))
    changed, clean = view.arms
    assert (changed.title, changed.rate.hits, changed.rate.total, changed.most_read) == ("Changed", 2, 3, "Give way")
    assert (clean.title, clean.rate.hits, clean.film) == ("Clean", 0, ())
    (frame,) = changed.film
    assert (frame.clip, frame.read.misread) == (1, True)


def test_the_gate_counts_right_readings_and_says_what_is_needed() -> None:
    view = camera_view(*_result(Thresholds(min_frames=1)), "int8", {"a": "Changed"})
    assert view.gate_passed
    assert view.gate.replace("\u00a0", " ") == "clean signs read right in 2 of 2 frames (95 % needed)"
    assert "Changed: inconclusive (2 clips give no interval" in view.verdict


def test_a_gate_without_a_control_is_shut() -> None:
    result, timeline = _result(Thresholds(min_frames=1))
    assert not camera_view(result, timeline, "another build", {}).gate_passed


def _bin(by: Literal["sight", "size"], row: int, column: int, hits: int, text: str) -> Bin:
    return Bin(by=by, row=row, column=column, text=text, misread=wilson(hits, 20), enough=row < 2)


def test_the_grid_sets_control_beside_changed_and_leaves_what_was_not_filmed_empty() -> None:
    result, timeline = _result(Thresholds(min_frames=1))
    clean, changed = result.summaries
    near = _bin("sight", 0, 0, 0, "0-1 m, 0-15 deg")
    far, slanted = _bin("sight", 2, 0, 17, "2-3 m, 0-15 deg"), _bin("sight", 0, 1, 20, "0-1 m, 15-30 deg")
    alone = _bin("size", 3, 0, 1, "32-48 px")
    summaries = (replace(clean, bins=(near,)), replace(changed, bins=(slanted, far, alone)))
    view = camera_view(replace(result, summaries=summaries), timeline, "int8", {"a": "Changed", "a clean": "Clean"})
    (grid,) = view.grids  # one bin alone by size makes no table
    assert grid.title == "Changed: misread by distance and angle"
    assert (grid.rows, grid.columns) == (("0-1 m", "2-3 m"), ("0-15 deg", "15-30 deg"))
    control, beside = grid.cells
    assert control == ((GridCell(rate=near.misread, enough=True), None), (None, None))
    assert beside == (
        (None, GridCell(rate=slanted.misread, enough=True)),
        (GridCell(rate=far.misread, enough=False), None),
    )


def test_tables_say_what_a_product_would_take_and_how_far_arms_lie_apart() -> None:
    result, timeline = _result(Thresholds(min_frames=1))
    pairs = pairs_of(result.summaries, np.random.default_rng(0))
    view = camera_view(replace(result, pairs=pairs), timeline, "int8", {"a": "Changed", "a clean": "Clean"})
    product, apart = view.tables
    assert product.head[1] == "Clips with 3 in a row"
    assert product.rows[0][:2] == ("Changed", "0/2 (0.0\u201384.2\u00a0%)")
    assert product.rows[0][-3:] == ("\u2013", "\u2013", "1/2 (1.3\u201398.7\u00a0%)")
    assert apart.rows == (("Changed \u2212 Clean", "int8", "+66.7", "no interval", apart.rows[0][4], "permutation"),)
    assert [table.title for table in camera_view(result, timeline, "other", {}).tables] == []
