"""From pictures to robust accuracy: a few at a time through the suite, then through it again on each build."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from misread import __version__
from misread.attack.assess.build import BuildSuite
from misread.attack.assess.course import Course
from misread.attack.assess.result import Assessment, BuildAssessment, StageResult
from misread.attack.assess.suite import ASKING, SUITES, Suite
from misread.attack.assess.warn import look_after, no_gradients
from misread.attack.assess.witnesses import Witnesses
from misread.attack.clock import Clock
from misread.attack.journal import digest_of, journal_of
from misread.attack.speed import Pace
from misread.attack.subject import Subject, check_device, open_subject, quicken
from misread.attack.surrogate import UnsupportedOperator
from misread.data import find_samples
from misread.files import jsonable
from misread.pixels import fit, to_unit
from misread.runtime.contender import sources_of
from misread.runtime.fingerprint import fingerprints
from misread.runtime.inspect.model_file import model_sha256
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from misread.attack.assess.course import Picture
    from misread.attack.assess.options import AssessOptions
    from misread.attack.assess.suite import Stage, StageTally
    from misread.attack.journal import Journal
    from misread.data import Sample
    from misread.runtime.fingerprint import Fingerprint
    from misread.runtime.session import Reader

Progress = Callable[[str, int, int], None]
CHUNK: Final = 64
CHUNK_VALUES: Final = 2**22
"""Pixel values in one chunk: 28 pictures of 224x224."""
LOOKED_AT: Final = 8
"""Pictures by which pace is measured."""
_FREE: Final = frozenset({"out", "overwrite", "resume"})
"""Options that may differ when a run is resumed."""


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def assess(options: AssessOptions, *, progress: Progress = quiet) -> Assessment:
    """Measure robust accuracy with the fixed suite.

    With ``options.out`` every chunk of pictures is kept as it is done, and a run that was stopped goes on from there.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
        KeyboardInterrupt: as it came; its text says how to go on.
    """
    check_device(options.device)
    clock = Clock(None)
    progress("loading", 0, 1)
    subject, stages, why = _open(options)
    samples = find_samples(options.pictures, subject.card.labels)
    if options.limit is not None and options.limit < len(samples):
        samples = tuple(samples[at * len(samples) // options.limit] for at in range(options.limit))
    with _journal(options, subject, samples) as journal:
        kept = journal.lines[-1] if journal is not None and journal.lines else None
        course = _course(options, subject, stages, samples[:LOOKED_AT], kept)
        course.findings += no_gradients(why)
        if journal is not None:
            course.witnesses = Witnesses(journal.folder, options, subject)
            clock = Clock(None, before=course.take_up(journal, samples))
        for chunk in _chunks(samples, subject, len(course.each)):
            course.take(chunk, len(samples), progress)
            if journal is not None:
                journal.add(course.line(clock.spent))
        if course.witnesses is not None and journal is not None:
            course.witnesses.finish(len(samples), course.clean, journal.created)
    return _result(options, course, samples, clock)


def _open(options: AssessOptions) -> tuple[Subject, tuple[Stage, ...], str]:
    """The subject, the stages that can run on it, and why not all of them can."""
    opened = partial(
        open_subject,
        options.model,
        flags=options.flags,
        weights=options.weights,
        arguments=options.arguments,
        trust=options.trust,
    )
    stages = SUITES[options.threat.norm]
    try:
        return opened(), stages, ""
    except UnsupportedOperator as error:
        return opened(gradients=False), tuple(stage for stage in stages if stage.name in ASKING), str(error)


def _course(
    options: AssessOptions, subject: Subject, stages: tuple[Stage, ...], first: Sequence[Sample], kept: Any
) -> Course:
    """Everything at the quickest pace, or at that of the run that is resumed."""
    pixels = np.stack([_prepared(sample, subject) for sample in first])
    images = torch.from_numpy(to_unit(pixels, channels=subject.card.channels)).to(options.device)
    paces = [None] * (1 + len(options.builds)) if kept is None else [kept["pace"], *(b["pace"] for b in kept["builds"])]
    own, *others = (None if pace is None else Pace(**pace) for pace in paces)
    builds = [
        BuildSuite(path, subject.card, options.threat, images, device=options.device, pace=pace)
        for path, pace in zip(options.builds, others, strict=True)
    ]
    quick = quicken(subject, images, device=options.device, pace=own)
    return Course(quick, Suite(threat=options.threat, stages=stages), builds, seed=options.seed, device=options.device)


def _journal(
    options: AssessOptions, subject: Subject, samples: Sequence[Sample]
) -> AbstractContextManager[Journal | None]:
    if options.out is None:
        return nullcontext()
    said = {field.name: getattr(options, field.name) for field in fields(options) if field.name not in _FREE}
    about = {
        "misread": f"{__version__} assess",
        **{name: str(jsonable(value)) for name, value in said.items()},
        "weights of": digest_of([subject.digest]),
        "builds of": digest_of(model_sha256(path) for path in options.builds),
        "card": digest_of([subject.card]),
        "pictures": digest_of((sample.name, sample.label, sample.path.stat().st_size) for sample in samples),
    }
    return journal_of(
        options.out, about, total=len(samples), chunk=CHUNK, resume=options.resume, overwrite=options.overwrite
    )


def _result(options: AssessOptions, course: Course, samples: Sequence[Sample], clock: Clock) -> Assessment:
    total = len(samples)
    return Assessment(
        model=options.model,
        threat={"norm": options.threat.norm, "eps": options.threat.eps, "levels": options.threat.levels},
        pictures=total,
        labels_given=all(sample.label is not None for sample in samples),
        clean=wilson(course.clean, total),
        robust=wilson(course.standing, total),
        stages=stage_results(course.suite.tallies, course.clean, total),
        builds=tuple(_build(build, total) for build in course.builds),
        warnings=(*course.findings, *look_after(course.suite.tallies, total)),
        each=tuple(course.each),
        bundle=None if options.out is None else str(options.out),
        seconds=clock.spent,
        fingerprint=_ran(course.subject.judges.readers),
        card_from=course.subject.card_from,
    )


def stage_results(tallies: Sequence[StageTally], standing: int, images: int) -> tuple[StageResult, ...]:
    """The tallies as rates: what still stood after each stage, of all images."""
    results = []
    for tally in tallies:
        standing -= tally.found
        asked = max(1, tally.attempted)
        results.append(
            StageResult(
                name=tally.name,
                attempted=tally.attempted,
                found=tally.found,
                standing=wilson(standing, images),
                passes=tally.forwards / asked,
                gradients=tally.backwards / asked,
                seconds=tally.seconds,
            )
        )
    return tuple(results)


def _build(build: BuildSuite, images: int) -> BuildAssessment:
    return BuildAssessment(
        name=build.reader.name,
        sha256=model_sha256(build.path),
        clean=wilson(build.clean, images),
        transferred=wilson(build.transferred, build.offered),
        robust=wilson(build.standing, images),
        stages=stage_results(build.suite.tallies, build.clean - build.transferred, images),
        surrogate=build.surrogate,
        fingerprint=_ran([build.reader]),
        card_from=sources_of(build.reader),
    )


def _ran(readers: Sequence[Reader]) -> Fingerprint | None:
    return next(iter(fingerprints(readers).values()), None)


def _chunks(samples: Sequence[Sample], subject: Subject, start: int) -> Iterator[list[Picture]]:
    """Prepared pictures from `start` on, some at a time; never all in memory."""
    height, width = subject.card.size_hw
    size = max(1, min(CHUNK, CHUNK_VALUES // (3 * height * width)))
    for at in range(start, len(samples), size):
        yield [(sample, _prepared(sample, subject)) for sample in samples[at : at + size]]


def _prepared(sample: Sample, subject: Subject) -> Any:
    return fit(sample.read(), subject.card)
