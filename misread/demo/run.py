"""The demo from end to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from misread import __version__
from misread.bundle import read_bundle
from misread.demo import stages, story
from misread.demo.result import DemoOptions, DemoResult
from misread.files import atomic_folder
from misread.report.html import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from misread.report.content import ReportContent

Progress = Callable[[str, int, int], None]
REPORT: Final = "report.html"


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def run_demo(options: DemoOptions, *, progress: Progress = quiet) -> DemoResult:
    """Go the whole road on the embedded sign classifier.

    Export to fp32 and int8; attack the shipped scenes, and a stop sign with the smallest change possible; find another
    change for it that survives being filmed; verify all of it on both builds; film it; write the report.

    Args:
        options: where it goes.
        progress: called as (what, done, total).

    Returns:
        What was made and measured; `exit_code` is 1 when something did not come as promised.

    Raises:
        MisreadError: one sentence; nothing is left behind.

    """
    from misread.attack.threads import torch_threads

    clock = _Clock(progress)
    with torch_threads(1), atomic_folder(options.out, overwrite=options.overwrite) as work:
        found = _go(options, work, clock)
        created = f"misread {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        content = story.content(found, tuple(clock.spent), created)
        with clock.stage("Report"):
            write_report(work / REPORT, content)
    return _result(options, found, replace(content, stages=tuple(clock.spent)))


def _go(options: DemoOptions, work: Path, clock: _Clock) -> story.Found:
    with clock.stage("Export"):
        builds = stages.export(options, work, clock.say)
    with clock.stage("Attack on every scene"):
        stages.attack_scenes(options, work, builds, clock.say)
    with clock.stage("Minimal change of a stop sign"):
        stages.attack_stop_sign(options, work, builds, clock.say)
    with clock.stage("Change that survives the camera"):
        bundle = stages.attack_for_camera(options, work, clock.say)
    rmtree(work / "minimal")
    with clock.stage("Verification on the builds"):
        scenes = stages.check(read_bundle(work / "scenes"), builds, clock.say)
        stop = {
            witness.id: stages.check(replace(bundle, witnesses=(witness,)), builds, clock.say)
            for witness in bundle.witnesses
        }
    film = None
    if options.camera:
        with clock.stage("Virtual camera"):
            film = stages.film(options, work, builds, clock.say)
    return story.Found(options=options, builds=builds, bundle=bundle, stop=stop, scenes=scenes, film=film)


def _result(options: DemoOptions, found: story.Found, content: ReportContent) -> DemoResult:
    out = options.out
    files = [(f"build, {name}", out / path.name) for name, path in zip(stages.PRECISIONS, found.builds, strict=True)]
    files += [("witnesses of every scene", out / "scenes"), ("witnesses of the stop sign", out / "stop-sign")]
    if found.film:
        files.append(("camera log and frames", out / "camera"))
    return DemoResult(
        folder=out,
        report=out / REPORT,
        sentence=content.headline,
        expectations=story.expectations(found),
        stages=content.stages,
        files=(*files, ("report", out / REPORT)),
        content=content,
        fingerprints={build.name: build.fingerprint for build in found.scenes.builds if build.fingerprint},
    )


class _Clock:
    """Times the stages and says which one runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._name = progress, ""
        self.spent: list[tuple[str, float]] = []

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        self._name, started = name, time.perf_counter()
        self._progress(name, 0, 0)
        yield
        self.spent.append((name, time.perf_counter() - started))

    def say(self, what: str, done: int, total: int) -> None:
        self._progress(f"{self._name}: {what}", done, total)
