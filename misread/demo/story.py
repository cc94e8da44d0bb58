"""The demo's sentence, its promises and its report, all from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Final

from misread.demo.result import Expectation
from misread.demo.stages import MINIMAL, PHYSICAL
from misread.report import words
from misread.report.camera import camera_view
from misread.report.content import CameraView, Fact, ReportContent
from misread.report.verification import fingerprint_records, rung_views, witness_view
from misread.runtime.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from misread.bundle import Bundle
    from misread.demo.result import DemoOptions
    from misread.report.camera import Timeline
    from misread.runtime.camera.result import CameraResult
    from misread.runtime.verdict import Judgement, Verification
    from misread.stats import Rate

RUNG_NOTES: Final[Mapping[str, str]] = {
    "torch-float": "the starting point: pictures that PyTorch misreads",
    "torch-8bit": "rounded to the 256 levels of a file",
    "file": "the PNG, read by onnxruntime",
}
TITLES: Final[Mapping[str, str]] = {
    f"{PHYSICAL} clean": "Clean",
    MINIMAL: "Minimal change",
    PHYSICAL: "Physical change",
    f"{PHYSICAL} placebo": "Placebo of the physical change",
    f"{MINIMAL} clean": "Clean, 48\u00d748 pixels",
    f"{MINIMAL} placebo": "Placebo of the minimal change",
}
FILMED: Final = (f"{PHYSICAL} clean", MINIMAL, PHYSICAL, f"{PHYSICAL} placebo")
_STAYS: Final = {"persists": "persists", "does-not-persist": "does not persist"}
SCENE_NOTE: Final = (
    "A virtual camera films the signs on a board, at a changing distance, angle and light, with blur, noise and JPEG; "
    "the frames come over HTTP on loopback, as from any network camera. The board has four markers that say which "
    "picture hangs there; the classifier sees the upright box around the picture."
)
LADDER_NOTE: Final = (
    "These witnesses, one per shipped scene, were stopped as soon as they were misread, so they lie just across the "
    "boundary. The physical change was made over random captures and has room to spare."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All that the stages brought; `film` is None without a camera."""

    options: DemoOptions
    builds: tuple[Path, ...]
    bundle: Bundle
    stop: Mapping[str, Verification]
    scenes: Verification
    film: tuple[CameraResult, Timeline] | None

    def judgements(self, witness: str) -> tuple[Judgement, ...]:
        """Return what each build said of a witness of the stop sign."""
        return tuple(one for build in self.stop[witness].builds for one in build.judgements)

    def rates(self, exhibit: str) -> tuple[Rate, ...]:
        """Return the share of frames misread per build, in the crop that the run claims."""
        return (
            tuple(verdict.misread for verdict in self.film[0].claimed if verdict.exhibit == exhibit)
            if self.film
            else ()
        )


def sentence(found: Found) -> str:
    """Say what happened to the stop sign, in numbers."""
    judged = found.judgements(MINIMAL)
    sure = min((one.clean.confidence for one in judged if one.clean), default=0.0)
    change = found.bundle.witness(MINIMAL).change
    said = f"A stop sign read with {_plain(words.confidence(sure))} confidence {_reads(found)} after {change.text()}"
    minimal, physical = found.rates(MINIMAL), found.rates(PHYSICAL)
    if not minimal or not physical:
        return f"{said}."
    dies = _frames(max(minimal, key=_share), several=len({_share(rate) for rate in minimal}) > 1, word="at most")
    stays = _frames(min(physical, key=_share), several=len({_share(rate) for rate in physical}) > 1, word="at least")
    return f"{said}; through the camera the minimal change persists in {dies} frames, the physical one in {stays}."


def expectations(found: Found) -> tuple[Expectation, ...]:
    """Return what the demo promises, and whether it came so."""
    hits = sum(one.verdict is Verdict.VERIFIED for one in found.judgements(MINIMAL))
    promises = [
        Expectation(
            what="every build misreads the minimal change, beyond its own noise",
            met=hits == len(found.builds),
            found=f"{hits} of {len(found.builds)} builds",
        ),
        *(
            Expectation(
                what=f"{build.name} misreads at least half of the attacked scenes",
                met=2 * build.verified.hits >= build.verified.total > 0,
                found=build.verified.text(),
            )
            for build in found.scenes.builds
        ),
    ]
    wanted = {MINIMAL: ("minimal", "does-not-persist"), PHYSICAL: ("physical", "persists")}
    for verdict in found.film[0].claimed if found.film else ():
        name, finding = wanted[verdict.exhibit]
        promises.append(
            Expectation(
                what=f"before the camera the {name} change {_STAYS[finding]} on {verdict.build}",
                met=verdict.finding == finding,
                found=f"{verdict.misread.text()} frames misread, {verdict.reason}",
            )
        )
    return tuple(promises)


def content(found: Found, stages: tuple[tuple[str, float], ...], created: str) -> ReportContent:
    """Return all that the report shows."""
    return ReportContent(
        title="misread demo",
        headline=sentence(found),
        created=created,
        facts=_facts(found),
        warnings=tuple(
            f"Not as promised: {one.what}; found {one.found}." for one in expectations(found) if not one.met
        ),
        witnesses=(
            witness_view(
                found.stop[MINIMAL],
                found.bundle,
                found.bundle.witness(MINIMAL),
                name="The minimal change",
                note=("The smallest change found that every build misreads, in the network's own 48\u00d748 pixels."),
            ),
            witness_view(
                found.stop[PHYSICAL],
                found.bundle,
                found.bundle.witness(PHYSICAL),
                name="The physical change",
                note=(
                    "Made over random captures, on the sign's own area, with a visible budget, to survive being filmed."
                ),
            ),
        ),
        rungs=rung_views(found.scenes, RUNG_NOTES),
        ladder_note=_ladder_note(found),
        cameras=_cameras(found),
        records=fingerprint_records(found.scenes),
        commands=commands(found),
        stages=stages,
    )


def commands(found: Found) -> tuple[str, ...]:
    """Return what to type to do the parts again."""
    out = found.options.out
    models = " ".join(f"-m {quote(str(out / build.name))}" for build in found.builds)
    seed = f" --seed {found.options.seed}" if found.options.seed else ""
    stop, every = quote(str(out / "stop-sign")), quote(str(out / "scenes"))
    lines = [
        f"misread demo -o {quote(str(out))} --overwrite{seed}",
        f"misread verify {stop} {models}",
        f"misread verify {every} {models}",
        f"misread camera {models} --source virtual --headless --bundle {stop}{seed}",
    ]
    return tuple(lines if found.film else lines[:3])


def _reads(found: Found) -> str:
    judged = found.judgements(MINIMAL)
    wrong = [one.changed.label for one in judged if one.verdict is Verdict.VERIFIED and one.changed]
    count = "both deployed builds" if len(judged) == 2 else f"all {len(judged)} deployed builds"
    if len(wrong) == len(judged) and len(set(wrong)) == 1:
        return f"is read as \u201c{wrong[0]}\u201d by {count}"
    if len(wrong) == len(judged):
        names = (build.name for build in found.scenes.builds)
        said = " and ".join(f"\u201c{label}\u201d by {name}" for label, name in zip(wrong, names, strict=True))
        return f"is read as {said}"
    return f"is misread by {len(wrong)} of {len(judged)} deployed builds"


def _frames(rate: Rate, *, several: bool, word: str) -> str:
    return f"{word} {words.hits(rate)}" if several else words.hits(rate)


def _share(rate: Rate) -> float:
    return rate.share or 0.0


def _plain(text: str) -> str:
    return text.replace(words.NBSP, " ")


def _facts(found: Found) -> tuple[Fact, ...]:
    change = found.bundle.witness(MINIMAL).change
    hits = sum(one.verdict is Verdict.VERIFIED for one in found.judgements(MINIMAL))
    facts = [
        Fact(value=words.count(change.values_changed), meaning=f"of {words.count(change.values_total)} values changed"),
        Fact(value=str(change.largest_level), meaning="of 255 levels at most"),
        Fact(value=f"{hits} of {len(found.builds)}", meaning="deployed builds misread it"),
    ]
    for exhibit, pick, word in ((MINIMAL, max, "minimal"), (PHYSICAL, min, "physical")):
        if rates := found.rates(exhibit):
            rate = pick(rates, key=_share)
            facts.append(Fact(value=words.hits(rate), meaning=f"camera frames misread: {word} change"))
    return tuple(facts)


def _ladder_note(found: Found) -> str:
    """Say how the digital witnesses were made, and how the physical one does on the same rungs."""
    steps = [step for step in found.stop[PHYSICAL].ladder if step.survived.total]
    passed = sum(step.survived.hits == step.survived.total for step in steps)
    where = "on every rung" if passed == len(steps) else f"on {passed} of {len(steps)} rungs"
    return f"{LADDER_NOTE} It is still misread {where}, PyTorch and all builds counted."


def _cameras(found: Found) -> tuple[CameraView, ...]:
    """Return the views of all builds, the smallest first and with film strips."""
    if found.film is None:
        return ()
    result, timeline = found.film
    first, *others = reversed(found.scenes.builds)
    return (
        camera_view(result, timeline, first.name, TITLES, filmed=FILMED, source=SCENE_NOTE),
        *(camera_view(result, timeline, build.name, TITLES, source="The same frames.") for build in others),
    )
