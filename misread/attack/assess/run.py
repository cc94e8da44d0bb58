"""From pictures to robust accuracy: a few at a time through the suite, then through it again on each build."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from misread.attack.assess.bar import Bar
from misread.attack.assess.build import TRANSFER, BuildSuite
from misread.attack.assess.result import Assessment, BuildAssessment, PictureResult, StageResult
from misread.attack.assess.suite import ASKING, SKIPPED, STANDS, SUITES, Fallen, Suite
from misread.attack.assess.warn import Finding, look_after, look_before, no_gradients
from misread.attack.assess.witnesses import Witnesses
from misread.attack.subject import Subject, open_subject
from misread.attack.surrogate import UnsupportedOperator
from misread.data import find_samples
from misread.files import atomic_folder, refuse_existing, sha256_file
from misread.pixels import fit, read_image, to_unit
from misread.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from misread.attack.assess.options import AssessOptions
    from misread.attack.assess.suite import Stage, StageTally
    from misread.data import Sample

Progress = Callable[[str, int, int], None]
CHUNK: Final = 64
CHUNK_VALUES: Final = 2**22
"""Pixel values in one chunk: 28 pictures of 224x224."""
LOOKED_AT: Final = 32
_SAID: Final = {STANDS: "stands", SKIPPED: "misread", TRANSFER: "transfer"}


def quiet(what: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(kw_only=True, slots=True)
class _Count:
    """What was counted over all chunks."""

    findings: list[Finding]
    clean: int = 0
    standing: int = 0
    each: list[PictureResult] = field(default_factory=list)
    bar: Bar | None = None


def assess(options: AssessOptions, *, progress: Progress = quiet) -> Assessment:
    """Measure robust accuracy with the fixed suite.

    Raises:
        MisreadError: one sentence that says what is wrong and what to type.
    """
    started = time.perf_counter()
    if options.out is not None:
        refuse_existing(options.out, overwrite=options.overwrite)
    progress("loading", 0, 1)
    target, stages, why = _open(options)
    samples = find_samples(options.pictures, target.card.labels)
    if options.limit is not None and options.limit < len(samples):
        samples = tuple(samples[at * len(samples) // options.limit] for at in range(options.limit))
    builds = [BuildSuite(path, target.card, options.threat) for path in options.builds]
    suite, count = Suite(threat=options.threat, stages=stages), _Count(findings=no_gradients(why))
    folder = nullcontext() if options.out is None else atomic_folder(options.out, overwrite=options.overwrite)
    with folder as place:
        witnesses = None if place is None else Witnesses(place, options, target)
        for chunk in _chunks(samples, target):
            _take(chunk, target, suite, builds, count, witnesses, options, progress, len(samples))
        if witnesses is not None:
            witnesses.finish(len(samples), count.clean)
    return Assessment(
        model=options.model,
        threat={"norm": options.threat.norm, "eps": options.threat.eps, "levels": options.threat.levels},
        pictures=len(samples),
        labels_given=all(sample.label is not None for sample in samples),
        clean=wilson(count.clean, len(samples)),
        robust=wilson(count.standing, len(samples)),
        stages=stage_results(suite.tallies, count.clean, len(samples)),
        builds=tuple(_build(build, len(samples)) for build in builds),
        warnings=(*count.findings, *look_after(suite.tallies, len(samples))),
        each=tuple(count.each),
        bundle=None if options.out is None else str(options.out),
        seconds=time.perf_counter() - started,
    )


def _open(options: AssessOptions) -> tuple[Subject, tuple[Stage, ...], str]:
    """The subject, the stages that can run on it, and why not all of them can."""
    opened = partial(open_subject, options.model, flags=options.flags, weights=options.weights, device=options.device)
    stages = SUITES[options.threat.norm]
    try:
        return opened(), stages, ""
    except UnsupportedOperator as error:
        return opened(gradients=False), tuple(stage for stage in stages if stage.name in ASKING), str(error)


def stage_results(tallies: list[StageTally], standing: int, images: int) -> tuple[StageResult, ...]:
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


def _take(  # noqa: PLR0917 - one private caller
    chunk: list[tuple[Sample, Any]],
    target: Subject,
    suite: Suite,
    builds: list[BuildSuite],
    count: _Count,
    witnesses: Witnesses | None,
    options: AssessOptions,
    progress: Progress,
    total: int,
) -> None:
    done = len(count.each)
    stack = np.stack([pixels for _, pixels in chunk])
    images = torch.from_numpy(to_unit(stack, channels=target.card.channels)).to(options.device)
    labels = _labels(target, images, [sample.label for sample, _ in chunk])
    if done == 0:
        some = slice(0, LOOKED_AT)
        count.findings += look_before(target.model, images[some], labels[some], gradients=target.gradients)
        count.bar = Bar(target.model, target.judges, images[some]) if target.is_file else None
    confirm = None if count.bar is None else count.bar.confirm(labels)
    said = lambda name: progress(f"assessing: {name}", done, total)  # noqa: E731
    fallen = suite.run(target.model, images, labels, seed=options.seed, confirm=confirm, progress=said)
    count.clean += int((fallen.by != SKIPPED).sum())
    count.standing += int((fallen.by == STANDS).sum())
    on: dict[str, Fallen] = {}
    for build in builds:
        progress(f"assessing: {build.reader.name}", done, total)
        on[build.reader.name] = build.take(images, labels, fallen, seed=options.seed)
    names = {"": [stage.name for stage in suite.stages]}
    names |= {build.reader.name: [stage.name for stage in build.suite.stages] for build in builds}
    for at, (sample, _) in enumerate(chunk):
        count.each.append(
            PictureResult(
                name=sample.name,
                label=target.card.labels[int(labels[at])],
                fell_to=_fell_to(int(fallen.by[at]), names[""]),
                builds={name: _fell_to(int(one.by[at]), names[name]) for name, one in on.items()},
            )
        )
    if witnesses is not None:
        witnesses.add([sample for sample, _ in chunk], images, labels, [fallen, *on.values()])
    progress("assessing", len(count.each), total)


def _fell_to(by: int, names: list[str]) -> str:
    return _SAID[by] if by < 0 else names[by]


def _labels(target: Subject, images: Tensor, given: list[int | None]) -> Tensor:
    """Given labels; where nobody gave one, what the model reads."""
    with torch.no_grad():
        read = target.model(images).argmax(1).tolist()
    said = [there if one is None else one for one, there in zip(given, read, strict=True)]
    return torch.tensor(said, device=images.device)


def _build(build: BuildSuite, images: int) -> BuildAssessment:
    left = build.clean - build.transferred
    return BuildAssessment(
        name=build.reader.name,
        sha256=sha256_file(build.path),
        clean=wilson(build.clean, images),
        transferred=wilson(build.transferred, build.offered),
        robust=wilson(build.standing, images),
        stages=stage_results(build.suite.tallies, left, images),
        surrogate=build.surrogate,
    )


def _chunks(samples: tuple[Sample, ...], target: Subject) -> Iterator[list[tuple[Sample, Any]]]:
    """Prepared pictures, some at a time; never all in memory."""
    height, width = target.card.size_hw
    size = max(1, min(CHUNK, CHUNK_VALUES // (3 * height * width)))
    for start in range(0, len(samples), size):
        yield [(sample, fit(read_image(sample.path), target.card)) for sample in samples[start : start + size]]
