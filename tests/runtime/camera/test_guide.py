"""Guided mode: which cell is asked for, when it is filled, and a whole run that ends by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.errors import OptionError
from misread.runtime.camera import FilmOptions, film
from misread.runtime.camera.clips import Clips
from misread.runtime.camera.film import _counting
from misread.runtime.camera.grid import Grid
from misread.runtime.camera.guide import Guide, GuideRules, Prompt
from misread.runtime.camera.guide_view import draw_prompt
from misread.runtime.camera.locate.sight import Sight
from misread.runtime.camera.overlay import draw
from misread.runtime.rig import Script
from misread.runtime.rig.script import plan
from misread.runtime.source import SourceOptions
from tests.runtime.camera.planted import observe, subject
from tests.runtime.camera.scenes import colour_reader, trio
from tests.runtime.camera.test_pose import truth

if TYPE_CHECKING:
    from pathlib import Path

    from misread.runtime.camera.observe import Observation
    from misread.runtime.camera.subject import Subject

GRID = Grid(distances_m=(1.0, 2.0, 3.0), angles_deg=(0.0, 30.0, 60.0))
CLEAN, CHANGED = subject("sign clean", "clean"), subject("sign", "adversarial")


def at(distance_m: float, angle_deg: float) -> Sight:
    return Sight(distance_m=distance_m, angle_deg=angle_deg, yaw_deg=angle_deg, markers_px=30)


def show(guide: Guide, who: Subject, sight: Sight | None, frames: int = 1, clip: int | None = 0) -> str:
    for _ in range(frames):
        guide.stand(who, sight)
        guide.add(sight, clip)
    return guide.prompt().text


def test_the_nearest_missing_cell_of_the_board_that_hangs_there_is_asked_for() -> None:
    guide = Guide((CLEAN, CHANGED), GuideRules(grid=GRID, frames=3))
    assert guide.prompt().text == "bring the clean board to 1-2 m, turned 0-30 deg"
    assert guide.prompt().missing == 8
    assert show(guide, CHANGED, at(2.5, 40)) == "hold the adversarial board there, 2 more frames"
    assert show(guide, CHANGED, at(2.5, 40), 2) == "bring the adversarial board to 1-2 m, turned 30-60 deg"
    assert show(guide, CHANGED, at(2.5, 10), 3) == "bring the adversarial board to 1-2 m, turned 0-30 deg"
    assert guide.prompt().filled == ((0.0, 0.0), (1.0, 1.0))
    assert guide.prompt().here == (1, 0)
    assert show(guide, CHANGED, at(1.5, 10), 3) == "bring the adversarial board to 1-2 m, turned 30-60 deg"
    # Only now the print is changed, and the nearest cell of the other one is where the last one stood.
    assert show(guide, CHANGED, at(1.5, 45), 3) == "bring the clean board to 1-2 m, turned 30-60 deg"
    for distance in (1.5, 2.5):
        for angle in (10, 45):
            show(guide, CLEAN, at(distance, angle), 3)
    done = guide.prompt()
    assert (done.text, done.wanted, done.missing, guide.missing()) == ("all cells are filled", None, 0, ())


def test_frames_that_belong_to_no_cell_are_not_counted() -> None:
    guide = Guide((CLEAN,), GuideRules(grid=GRID, frames=1))
    show(guide, CLEAN, at(5.0, 10))
    show(guide, CLEAN, at(1.5, 75))
    show(guide, CLEAN, replace(at(1.5, 10), distance_m=None))
    show(guide, CLEAN, None)
    show(guide, CLEAN, at(1.5, 10), clip=None)  # lost, so measured in no clip
    show(guide, subject("another", "clean"), at(1.5, 10))
    assert guide.prompt().missing == 4


def test_a_board_on_the_edge_of_two_cells_stays_in_one() -> None:
    guide = Guide((CLEAN,), GuideRules(grid=GRID, frames=9))
    cells = [guide.stand(CLEAN, at(distance, 10)) for distance in (1.9, 2.02, 1.98, 2.04, 1.97)]
    assert set(cells) == {(0, 0)}
    guide.add(at(2.02, 10), 0)  # beyond the edge it counts for neither
    assert {one.frames for one in guide.missing()} == {9}
    assert guide.stand(CLEAN, None) == (0, 0)
    assert guide.stand(None, None) == (0, 0)
    assert guide.prompt().here is None  # nothing to hold while no board is seen
    assert guide.prompt().text.startswith("bring")
    assert guide.stand(CLEAN, at(2.1, 10)) == (1, 0)
    assert guide.stand(CHANGED, None) is None  # another board has stood nowhere yet


def test_several_clips_of_a_cell_need_the_board_taken_away() -> None:
    guide = Guide((CLEAN,), GuideRules(grid=GRID, frames=2, clips=2))
    again = "take the clean board away and bring it back to 1-2 m, turned 0-30 deg"
    assert show(guide, CLEAN, at(1.5, 10), 5, clip=0) == again
    assert guide.prompt().filled[0] == (0.5, 0.0)
    assert "turned 30-60 deg" in show(guide, CLEAN, at(1.5, 10), clip=1)


def test_exhibits_of_one_arm_are_told_apart_by_name() -> None:
    guide = Guide((subject("0000"), subject("0001")), GuideRules(grid=GRID))
    assert guide.prompt().text == "bring the adversarial board (0000) to 1-2 m, turned 0-30 deg"


def test_the_view_shows_the_hint_and_the_grid() -> None:
    prompt = Prompt(text="bring it", filled=((1.0, 0.5), (0.0, 0.0)), here=(0, 1), wanted=(1, 0), missing=3)
    picture = np.full((540, 960, 3), 200, np.uint8)
    draw_prompt(picture, prompt)
    assert (picture[:34] == 200).mean() < 0.01  # the line with the hint covers what is filmed
    assert (picture[34 + 2 * 26 + 1 :] == 200).all()
    assert (picture[:, 200:][34:] == 200).all()
    green = (picture[34:86, 12:64] == (90, 170, 70)).all(axis=2)
    near_left, near_right, far = green[26:, :26], green[26:, 26:], green[:26]
    assert near_left.sum() == 24 * 24
    assert 0.2 * 24 * 24 < near_right.sum() < 0.55 * 24 * 24  # half, less the dot
    assert not far.any()
    yellow = (picture[34:86, 12:64] == (60, 200, 250)).all(axis=2)
    assert yellow[:26, :26].any()
    assert not yellow[26:].any()
    observation = replace(observe(CLEAN, "s", Clips())[0], prompt=prompt)
    hinted, plain = draw(observation, ()), draw(replace(observation, prompt=None), ())
    assert (hinted != plain).any()


def test_rules_and_guides_without_sense_are_refused() -> None:
    for frames, clips in ((0, 1), (3, 0), (3, 4)):
        with pytest.raises(OptionError, match="a cell takes"):
            GuideRules(frames=frames, clips=clips)
    with pytest.raises(OptionError, match="add --bundle"):
        Guide(())
    for more in ({"source": "device:0"}, {"locate": "centre"}):
        with pytest.raises(OptionError, match="--lens and --board-mm"):
            FilmOptions(guide=GuideRules(), **more)  # type: ignore[arg-type]


def test_a_script_visits_its_stations() -> None:
    grid = Grid(distances_m=(1.0, 2.0, 3.0), angles_deg=(20.0, 24.0, 28.0))
    stations = tuple(grid.ranges(cell) for cell in grid.cells)
    script = Script(clips=8, frames_per_clip=2, blank_frames=0, stations=stations)
    for shot in plan(script, 1):
        distance, angle = truth(shot.pose)
        assert grid.cell(at(distance, angle)) == grid.cells[shot.take % 4]
    assert {shot.pose.yaw_deg > 0 for shot in plan(script, 1)} == {True, False}


@pytest.mark.parametrize("station", [((0.0, 1.0), (0.0, 30.0)), ((1.0, 2.0), (60.0, 90.0)), ((1.0, 2.0), (30.0, 10.0))])
def test_stations_that_cannot_be_filmed_are_refused(station: tuple[tuple[float, float], tuple[float, float]]) -> None:
    with pytest.raises(OptionError, match="is filmed from further away"):
        Script(stations=(station,))


def test_a_guided_run_ends_when_the_grid_is_full(tmp_path: Path) -> None:
    stations = tuple(GRID.ranges(cell) for cell in GRID.cells)
    script = Script(clips=40, frames_per_clip=3, blank_frames=3, stations=stations)
    seen: list[Observation] = []
    options = FilmOptions(
        feed=SourceOptions(script=script), guide=GuideRules(grid=GRID, frames=3), out=tmp_path / "out", key_frames=0
    )
    result = film(trio()[:2], [colour_reader()], options, on_frame=seen.append)
    assert result.ended == "complete"
    assert not any("guided" in note for note in result.health.notes)
    assert result.frames < 40 * 6 * 2 / 4
    prompts = [one.prompt for one in seen if one.prompt is not None]
    assert len(prompts) == len(seen)
    assert all(later.missing <= earlier.missing for earlier, later in pairwise(prompts))
    assert prompts[-1].text == "all cells are filled"
    assert (len(prompts[0].distances), len(prompts[0].angles)) == (len(prompts[0].filled), len(prompts[0].filled[0]))
    assert GRID.text((1, 0)) == f"{prompts[0].distances[1]}, {prompts[0].angles[0]}"
    lines = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert lines[-2] == {"event": "guide", "missing": []}
    # Of every clip all frames are in one cell.
    cells: dict[int, set[object]] = {}
    for one in seen:
        if one.place.clip is not None and one.target is not None:
            cells.setdefault(one.place.clip, set()).add(GRID.cell(one.target.sight))
    assert all(len(of_clip - {None}) <= 1 for of_clip in cells.values())


def test_a_change_of_cell_begins_a_clip_and_what_is_missing_is_logged(tmp_path: Path) -> None:
    stations = (GRID.ranges((1, 0)), GRID.ranges((0, 0)))
    script = Script(clips=2, frames_per_clip=3, blank_frames=0, stations=stations)
    seen: list[Observation] = []
    options = FilmOptions(
        feed=SourceOptions(script=script), guide=GuideRules(grid=GRID, frames=3), out=tmp_path / "out", key_frames=0
    )
    result = film(trio()[:1], [colour_reader()], options, on_frame=seen.append)
    assert result.ended == "source"
    says = "not filled are 2 cells of guided mode: clean: 1-2 m at 30-60 deg, 2-3 m at 30-60 deg"
    assert result.health.notes[-1] == says
    assert [one.place.clip for one in seen] == [0, 0, 0, 1, 1, 1]
    lines = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert [one["cell"] for one in lines[-2]["missing"]] == [[0, 1], [1, 1]]
    unguided = replace(options, guide=None, out=None)
    seen.clear()
    film(trio()[:1], [colour_reader()], unguided, on_frame=seen.append)
    assert [one.place.clip for one in seen] == [0] * 6


def test_a_replay_that_nobody_guides_has_the_same_clips_and_sights(tmp_path: Path) -> None:
    stations = (GRID.ranges((1, 0)), GRID.ranges((0, 0)))
    script = Script(clips=2, frames_per_clip=3, blank_frames=0, stations=stations)
    guided = FilmOptions(
        feed=SourceOptions(script=script), guide=GuideRules(grid=GRID), out=tmp_path / "out", key_frames=0, record=True
    )
    runs: list[list[Observation]] = [[], []]
    film(trio()[:1], [colour_reader()], guided, on_frame=runs[0].append)
    film(trio()[:1], [colour_reader()], FilmOptions(source=f"replay:{tmp_path / 'out'}"), on_frame=runs[1].append)
    once, again = ([(one.place.clip, one.target and one.target.sight) for one in run] for run in runs)
    assert once == again
    assert [clip for clip, _ in once] == [0, 0, 0, 1, 1, 1]


def test_frames_are_counted_in_the_cells_that_are_asked_for() -> None:
    assert _counting(FilmOptions(guide=GuideRules(grid=GRID))).grid == GRID
    assert _counting(FilmOptions()) == FilmOptions().counting
