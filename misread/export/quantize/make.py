"""One build of a float file in any precision, with what it costs where labelled pictures were given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from misread.errors import OptionError
from misread.export.onnx_file import read_model
from misread.export.quantize import recipe_named
from misread.export.quantize.accuracy import Cost, cost, right
from misread.export.quantize.base import apply
from misread.export.quantize.notes import gain_notes, measuring_notes
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.search import Search, Trial
from misread.files import storage_errors
from misread.runtime.session import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from misread.card import ModelCard
    from misread.export.pictures import Labelled
    from misread.export.quantize.calibrate import Calibration
    from misread.export.quantize.layers import LayerError
    from misread.export.variants import Form

Progress = Callable[[str, int, int], None]

FLOAT: Final = "fp32"
STATIC: Final = "int8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all builds of one float file share.

    Attributes:
        card: of the model.
        options: of int8.
        calibration: what static int8 learns its ranges from.
        labelled: what accuracy is measured on, none of it among the calibration pictures.
        max_drop: points of accuracy that static int8 may lose.
        forms: other forms that will be written of each build.
        session: how the builds will run.
    """

    card: ModelCard
    options: StaticOptions = field(default_factory=StaticOptions)
    calibration: Calibration | None = None
    labelled: Labelled | None = None
    max_drop: float | None = None
    forms: tuple[Form, ...] = ()
    session: SessionOptions = field(default_factory=SessionOptions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """How a build was made, and what it costs.

    Attributes:
        options: of static int8, settled; None of other precisions.
        target: that int8 was made for, of `TARGETS`; empty for other precisions.
        cost: against the float file; None where no labelled pictures were given.
        kept_float: operators that stayed in float, the worst first.
        trials: what was measured on the way.
        notes: what is known to be no gain, and what the figures do not show.
    """

    options: StaticOptions | None = None
    target: str = ""
    cost: Cost | None = None
    kept_float: tuple[LayerError, ...] = ()
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()


def check_budget(max_drop: float | None, data: Path | None, precisions: tuple[str, ...]) -> None:
    """Refuse a budget that nothing is measured for.

    Raises:
        OptionError: it is no number of points, nothing is measured, or nothing is static int8.
    """
    if max_drop is None:
        return
    if not 0 <= max_drop <= 100:
        message = f"max_drop is in points of accuracy from 0 to 100, got {max_drop}; half a point is --max-drop 0.5"
        raise OptionError(message)
    if data is None:
        message = "a drop is measured on labelled pictures; add --data DIR (class folders, a CSV, JSONL or npz)"
        raise OptionError(message)
    if STATIC not in precisions:
        message = f"--max-drop searches for static int8 settings, and {', '.join(precisions)} has none; add int8"
        raise OptionError(message)


def make(precision: str, source: Path, target: Path, job: Job, *, progress: Progress = lambda *_: None) -> Made:
    """Write the build of the float file `source` as `target`.

    Args:
        precision: `fp32` or that of a recipe.
        source: a float32 ONNX file with its card.
        target: what to write.
        job: how.
        progress: called as (what, done, total).

    Raises:
        CheckFailed: no build is inside the budget.
        MisreadError: the build cannot be made.
    """
    notes = tuple(_notes(precision, source, job))
    if precision == FLOAT:
        with storage_errors(target):
            shutil.copyfile(source, target)
        return Made(notes=notes)
    processor = job.options.processor.name if precision.startswith(STATIC) else ""
    if precision == STATIC and job.max_drop is not None and job.labelled is not None and job.calibration is not None:
        search = Search(source, job.calibration, job.labelled, card=job.card, session=job.session, progress=progress)
        found = search.run(job.options, job.max_drop, target)
        return Made(
            options=found.best.options,
            target=processor,
            cost=found.best.cost,
            kept_float=found.kept_float,
            trials=found.trials,
            notes=notes,
        )
    apply(recipe_named(precision, job.options), source, target, job.calibration)
    settled = job.options.settled() if precision == STATIC else None
    return Made(options=settled, target=processor, cost=_cost(source, target, job), notes=notes)


def _notes(precision: str, source: Path, job: Job) -> Iterator[str]:
    yield from gain_notes(precision, read_model(source), job.options, job.session.providers, job.forms)
    if job.labelled is not None and precision != FLOAT:
        learnt = job.calibration.pictures.source if job.calibration else ""
        yield from measuring_notes(job.labelled, learnt, job.max_drop)


def _cost(source: Path, target: Path, job: Job) -> Cost | None:
    if job.labelled is None:
        return None
    before, after = (right(path, job.labelled, job.card, job.session) for path in (source, target))
    return cost(before, after, job.labelled.pictures.source)
