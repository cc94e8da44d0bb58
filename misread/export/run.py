"""From an origin to builds that were held against it: what `misread export` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.errors import InputError, OptionError
from misread.export.bake import bake_file
from misread.export.build import Build, Check, checked
from misread.export.onnx import Batch, export_onnx
from misread.export.origin import Origin, Preparation, load_origin
from misread.export.parity import TOLERANCES, Parity, Tolerance, check_parity
from misread.export.pictures import Pictures, from_folder, labelled, shipped, split
from misread.export.quantize import RECIPES
from misread.export.quantize.calibrate import Calibration
from misread.export.quantize.make import FLOAT, Job, check_budget, make
from misread.export.quantize.options import StaticOptions
from misread.export.variants import Form, forms, paths_of
from misread.files import refuse_existing, storage_errors
from misread.registry import by_name
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.export.origins.base import Setting

Progress = Callable[[str, int, int], None]

PRECISIONS: Final = (FLOAT, *(recipe.name for recipe in RECIPES))
_PARITY_SHARE: Final = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """What to export, and how.

    Attributes:
        origin: any form of `misread.export.origins.ORIGIN_KINDS`.
        out: name of the file; with several precisions the name of the first, the others take its stem and a suffix.
        precisions: of `PRECISIONS`, each once.
        weights: a state dict or safetensors file, or `none`.
        arguments: of the factory, by name.
        trust: let the origin's file run code while it is loaded, where its kind does so.
        labels: a file of class names, or `none`.
        size_hw: the network's input in pixels.
        preparation: resize, crop and normalisation.
        card: instead of labels, size and preparation.
        calibration_data: a folder of real pictures for int8.
        parity_data: a folder of real pictures to compare on. Without it a quarter of the calibration pictures is held
            back for that; without these, the scenes that misread ships serve.
        calibration_pictures: at most so many, drawn at random.
        parity_pictures: likewise.
        tolerance: instead of the one of each precision.
        bake_preprocessing: the builds take the picture itself and prepare it inside their graph.
        batch: pictures per call, or `dynamic`.
        opset: of the ONNX file; None takes the exporter's default.
        static_twin: write each build for one picture a call too, with every shape fixed.
        ort_format: write each build in onnxruntime's own format too.
        int8: how int8 is made.
        data: labelled pictures to measure on what each precision costs.
        limit: of these, at most so many, spread evenly.
        max_drop: points of accuracy that int8 may lose on them against fp32.
        session: how the builds will run; parity is measured so.
        seed: of every draw.
        overwrite: replace files that are there.
    """

    origin: str
    out: Path
    precisions: tuple[str, ...] = (FLOAT,)
    weights: Path | None = None
    arguments: Mapping[str, Setting] = field(default_factory=dict)
    trust: bool = False
    labels: Path | None = None
    size_hw: tuple[int, int] | None = None
    preparation: Preparation | None = None
    card: ModelCard | None = None
    calibration_data: Path | None = None
    parity_data: Path | None = None
    calibration_pictures: int = 256
    parity_pictures: int = 64
    tolerance: Tolerance | None = None
    bake_preprocessing: bool = False
    batch: Batch = "dynamic"
    opset: int | None = None
    static_twin: bool = False
    ort_format: bool = False
    int8: StaticOptions = field(default_factory=StaticOptions)
    data: Path | None = None
    limit: int | None = None
    max_drop: float | None = None
    session: SessionOptions = field(default_factory=SessionOptions)
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be exported before anything is loaded."""
        if self.out.suffix.lower() != ".onnx":
            message = f"the output is an ONNX file, got {self.out}; end its name with .onnx"
            raise OptionError(message)
        for precision in self.precisions:
            by_name("precision", PRECISIONS, precision, key=str)
        if not self.precisions or len(set(self.precisions)) < len(self.precisions):
            message = f"name each precision once, got {', '.join(self.precisions) or 'none'}; known: {PRECISIONS}"
            raise OptionError(message)
        if not (self.calibration_pictures >= 1 and self.parity_pictures >= 1):
            message = "calibration and parity need at least one picture each"
            raise OptionError(message)
        check_budget(self.max_drop, self.data, self.precisions)

    def targets(self) -> dict[str, Path]:
        """Return the file of each precision."""
        first = self.precisions[0]
        return {
            precision: self.out if precision == first else self.out.with_name(f"{self.out.stem}_{precision}.onnx")
            for precision in self.precisions
        }

    def forms(self) -> tuple[Form, ...]:
        """Return the other forms that are written of each build; of a batch of one there is no twin."""
        return forms(static_twin=self.static_twin and self.batch != 1, ort_format=self.ort_format)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportResult:
    """What was exported.

    Attributes:
        origin: as asked for.
        weights_sha256: of the weight file, where one was read.
        card: in every build.
        builds: one per precision, in the order asked for.
        calibration: how many pictures int8 learnt its ranges from, 0 without int8.
        card_from: who said how pictures are prepared: the origin's metadata, the flags.

    Examples:
        >>> made = misread.export_builds("signs", "signs.onnx", overwrite=True)
        >>> [build.precision for build in made.builds]
        ['fp32']
    """

    origin: str
    weights_sha256: str | None
    card: ModelCard
    builds: tuple[Build, ...]
    calibration: int
    card_from: tuple[str, ...] = ()


def export_builds(
    options: ExportOptions, *, progress: Progress = lambda *_: None, origin: Origin | None = None
) -> ExportResult:
    """Export every precision asked for; the files appear together, and only when each agrees with the twin.

    Args:
        options: what and how.
        progress: called as (what, done, total).
        origin: loaded already, to save loading it again.

    Raises:
        MisreadError: one sentence; no file was written or changed.
    """
    targets, asked = options.targets(), options.forms()
    for target in (*targets.values(), *paths_of(targets.values(), asked)):
        refuse_existing(target, overwrite=options.overwrite)
    total = 2 * len(targets) + 1
    progress(f"loading {options.origin}", 0, total)
    origin = origin or _load(options)
    calibration, compared = _pictures(options, origin.card)
    job = _job(options, origin.card, calibration)
    card = replace(origin.card, baked_preprocessing=options.bake_preprocessing)
    builds = []
    with storage_errors(options.out):
        options.out.parent.mkdir(parents=True, exist_ok=True)
        working = tempfile.TemporaryDirectory(prefix=f".{options.out.stem[:80]}.", dir=options.out.parent)
    with working as folder:
        source = Path(folder) / "source" / options.out.name
        progress(f"exporting {FLOAT}", 1, total)
        export_onnx(
            origin.twin,
            origin.card,
            source,
            batch=options.batch,
            opset=options.opset,
            source_sha256=origin.weights_sha256,
        )
        for step, (precision, target) in enumerate(targets.items()):
            file = Path(folder) / target.name
            progress(f"making {precision}", 2 * step + 1, total)
            made = make(precision, source, file, job, progress=progress)
            if options.bake_preprocessing:
                bake_file(file)
            progress(f"comparing {precision}", 2 * step + 2, total)
            check = _check(options, origin, precision, compared)
            builds.append(checked(precision, file, made, card=card, session=options.session, check=check, asked=asked))
        builds = [build.moved(targets[build.precision]) for build in builds]
    progress("done", total, total)
    return ExportResult(
        origin=options.origin,
        weights_sha256=origin.weights_sha256,
        card=card,
        builds=tuple(builds),
        calibration=len(calibration) if calibration else 0,
        card_from=origin.card_sources,
    )


def _load(options: ExportOptions) -> Origin:
    return load_origin(
        options.origin,
        weights=options.weights,
        labels=options.labels,
        size_hw=options.size_hw,
        card=options.card,
        arguments=options.arguments,
        trust=options.trust,
        preparation=options.preparation,
    )


def _pictures(options: ExportOptions, card: ModelCard) -> tuple[Pictures | None, Pictures]:
    """Return (calibration, comparison): never a picture in both."""
    generator = np.random.default_rng(options.seed)
    calibrates = any(recipe.needs_pictures and recipe.name in options.precisions for recipe in RECIPES)
    limit = options.calibration_pictures + (0 if options.parity_data else options.parity_pictures)
    found: Pictures | None = None
    if options.calibration_data is not None:
        found = from_folder(options.calibration_data, card, limit=limit, generator=generator)
    elif calibrates and options.origin == "signs":
        found = shipped(card)
    elif calibrates:
        message = "int8 learns its ranges from real pictures; add --calibration-data DIR"
        raise InputError(message)
    if options.parity_data is not None:
        compared = from_folder(options.parity_data, card, limit=options.parity_pictures, generator=generator)
        compared = compared.without(found) if found else compared
        return (found if calibrates else None), compared
    if found is None:
        return None, shipped(card)
    if not calibrates:
        return None, found.take(range(min(len(found), options.parity_pictures)))
    return split(found, share=_PARITY_SHARE, generator=generator)


def _job(options: ExportOptions, card: ModelCard, calibration: Pictures | None) -> Job:
    measured = labelled(options.data, card, limit=options.limit) if options.data is not None else None
    if measured is not None and calibration is not None:
        measured = measured.without(calibration)
    return Job(
        card=card,
        options=options.int8,
        calibration=Calibration(pictures=calibration, card=card) if calibration is not None else None,
        labelled=measured,
        max_drop=options.max_drop,
        forms=options.forms(),
        session=options.session,
    )


def _check(options: ExportOptions, origin: Origin, precision: str, pictures: Pictures) -> Check:
    tolerance = options.tolerance or TOLERANCES[precision]

    def check(deployed: Deployed) -> Parity:
        whole = (lambda row: deployed.read([pictures.original(row)]).logits) if options.bake_preprocessing else None
        return check_parity(origin.twin, deployed, pictures, tolerance=tolerance, seed=options.seed, whole=whole)

    return check
