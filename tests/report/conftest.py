from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from misread.change import Change
from misread.report import pictures
from misread.report.content import (
    ArmView,
    CameraView,
    Fact,
    FilmFrame,
    GridCell,
    GridView,
    Picture,
    Read,
    ReportContent,
    RungView,
    Survival,
    TableView,
    WitnessView,
)
from misread.stats import clip_rate, wilson

PLANTED = "<script>document.title='broken'</script>"


def _witness(foreign: str) -> WitnessView:
    clean = np.full((48, 48, 3), (180, 20, 30), np.uint8)
    changed = clean.copy()
    changed[10:20, 10:20] += 2
    factor = pictures.amplification(clean, changed)
    read = Read(reader=foreign, label="Stop", confidence=0.998, expected="Stop")
    wrong = dataclasses.replace(read, label=foreign, confidence=0.51)
    return WitnessView(
        name=foreign,
        pictures=(
            Picture(title="Clean", image=clean, alt=foreign, reads=(read,)),
            Picture(title="Changed", image=changed, alt="Changed picture", reads=(wrong,)),
            Picture(
                title=f"Difference \u00d7{factor}",
                image=pictures.difference(clean, changed, factor),
                alt="Signed difference",
                caption=foreign,
            ),
        ),
        change=Change(values_changed=300, values_total=6912, largest_level=2, l2=0.136, ssim=0.98765),
        note=foreign,
    )


def _camera(foreign: str) -> CameraView:
    clips = ((False, False, None, True),) * 5
    frame = FilmFrame(
        image=np.full((60, 80, 3), 90, np.uint8),
        read=Read(reader=foreign, label=foreign, confidence=0.9, expected="Stop"),
        clip=0,
        time_s=0.1,
    )
    arm = ArmView(
        arm=foreign,
        title=foreign,
        rate=clip_rate([1] * 5, [3] * 5),
        clips=clips,
        film=(frame,),
        longest_run=1,
        first_misread_s=0.3,
        most_read=foreign,
        note=foreign,
    )
    lost = dataclasses.replace(arm, rate=wilson(0, 0), first_misread_s=None, film=())
    few = dataclasses.replace(arm, first_misread_s=None, film=())
    cell = GridCell(rate=wilson(9, 10), enough=True)
    cells = (((cell, None),), ((dataclasses.replace(cell, enough=False), GridCell(rate=wilson(0, 10), enough=True)),))
    grid = GridView(title=foreign, rows=(foreign,), columns=(foreign, "15-30 deg"), cells=cells)
    return CameraView(
        reader=foreign,
        source=foreign,
        verdict=foreign,
        gate=foreign,
        gate_passed=False,
        arms=(arm, lost, few),
        note=foreign,
        grids=(grid,),
        tables=(TableView(title=foreign, head=(foreign,), rows=((foreign,),)),),
    )


@pytest.fixture
def content() -> ReportContent:
    """A report with something in every section, and a planted script wherever a foreign string can stand."""
    rung = RungView(
        name=PLANTED,
        detail=PLANTED,
        survivals=(Survival(reader=PLANTED, rate=wilson(9, 10)), Survival(reader="int8", rate=wilson(0, 0))),
    )
    return ReportContent(
        title=PLANTED,
        headline=PLANTED,
        created=PLANTED,
        facts=(Fact(value=PLANTED, meaning=PLANTED),),
        warnings=(PLANTED,),
        witnesses=(_witness(PLANTED),),
        rungs=(rung, dataclasses.replace(rung, survivals=rung.survivals[1:])),
        ladder_note=PLANTED,
        cameras=(_camera(PLANTED),),
        records=((PLANTED, {PLANTED: PLANTED}),),
        commands=(PLANTED,),
        stages=((PLANTED, 1.25),),
    )
