"""From a float ONNX file to a build of fewer bits that was held against it: what `misread quantize` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.card import CARD_KEY, ModelCard
from misread.data import spread
from misread.errors import InputError, OptionError
from misread.export.bake import bake_file, is_baked, strip
from misread.export.build import Build, checked
from misread.export.onnx_file import read_metadata, read_model, write_metadata
from misread.export.parity import TOLERANCES, Parity, Tolerance, check_agreement
from misread.export.pictures import Labelled, Pictures, from_folder, labelled, shipped, split
from misread.export.quantize import RECIPES
from misread.export.quantize.base import operators
from misread.export.quantize.calibrate import Calibration
from misread.export.quantize.make import FLOAT, STATIC, Job, check_budget, make
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.prepare import QUANTISED, refuse_external
from misread.export.variants import Form, forms, paths_of
from misread.files import atomic_write, refuse_existing, storage_errors
from misread.registry import by_name
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from misread.cards.facts import CardFacts

Progress = Callable[[str, int, int], None]

KEEP: Final = "keep"
QUANTIZE_PRECISIONS: Final = (*(recipe.name for recipe in RECIPES), KEEP)
_PARITY_SHARE: Final = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeOptions:
    """What to quantise, and how.

    Attributes:
        model: a float32 ONNX file.
        out: the file to write.
        precision: of `QUANTIZE_PRECISIONS`; `keep` changes nothing and is for the other forms.
        card: what the flags say, for a file that does not say all of how it is fed.
        int8: how int8 is made.
        calibration_data: a folder of real pictures for int8.
        calibration_pictures: at most so many, drawn at random.
        data: labelled pictures to measure on what it costs.
        limit: of these, at most so many, spread evenly.
        max_drop: points of accuracy that int8 may lose on them.
        parity_pictures: at most so many.
        tolerance: instead of the precision's own.
        static_twin: write the build for one picture a call too, with every shape fixed.
        ort_format: write it in onnxruntime's own format too.
        session: how the build will run; accuracy and parity are measured so.
        seed: of every draw.
        overwrite: replace files that are there.
    """

    model: Path
    out: Path
    precision: str = "int8"
    card: ModelCard | CardFacts | None = None
    int8: StaticOptions = field(default_factory=StaticOptions)
    calibration_data: Path | None = None
    calibration_pictures: int = 256
    data: Path | None = None
    limit: int | None = None
    max_drop: float | None = None
    parity_pictures: int = 64
    tolerance: Tolerance | None = None
    static_twin: bool = False
    ort_format: bool = False
    session: SessionOptions = field(default_factory=SessionOptions)
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before anything is read."""
        by_name("precision", QUANTIZE_PRECISIONS, self.precision, key=str)
        for path, what in ((self.model, "model"), (self.out, "output")):
            if path.suffix.lower() != ".onnx":
                message = f"the {what} is an ONNX file, got {path}; expected a name that ends with .onnx"
                raise OptionError(message)
        if self.out.resolve() == self.model.resolve():
            message = f"{self.out} is the model itself; choose another name with -o"
            raise OptionError(message)
        if not (self.calibration_pictures >= 1 and self.parity_pictures >= 1):
            message = "calibration and parity need at least one picture each"
            raise OptionError(message)
        check_budget(self.max_drop, self.data, (self.precision,))

    @property
    def calibrates(self) -> bool:
        """Whether the precision learns ranges from pictures."""
        return any(recipe.needs_pictures and recipe.name == self.precision for recipe in RECIPES)

    def forms(self) -> tuple[Form, ...]:
        """Return the other forms that are written."""
        return forms(static_twin=self.static_twin, ort_format=self.ort_format)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeResult:
    """What was quantised.

    Attributes:
        model: the float file.
        model_sha256: its hash.
        card: in the build.
        card_from: who said so.
        build: what was written.
        calibration: how many pictures ranges were learnt from.
        calibration_from: where those are from; empty without.

    Examples:
        >>> made = misread.quantize("signs.onnx", "small.onnx", precision="fp16", overwrite=True)
        >>> made.build.file.path.name
        'small.onnx'
    """

    model: Path
    model_sha256: str
    card: ModelCard
    card_from: tuple[str, ...]
    build: Build
    calibration: int
    calibration_from: str


def quantize(options: QuantizeOptions, *, progress: Progress = lambda *_: None) -> QuantizeResult:
    """Write a build of a float ONNX file; its files appear together, and only when it agrees with the float file.

    Args:
        options: what and how.
        progress: called as (what, done, total).

    Raises:
        CheckFailed: the build is another classifier, or none is inside the budget; no file was written.
        MisreadError: one sentence; no file was written or changed.
    """
    asked = options.forms()
    for target in (options.out, *paths_of([options.out], asked)):
        refuse_existing(target, overwrite=options.overwrite)
    progress(f"reading {options.model.name}", 0, 0)
    reference = Deployed.open(options.model, card=options.card, options=options.session)
    calibration, measured, compared = _pictures(options, reference.card)
    job = Job(
        card=reference.card,
        options=options.int8,
        calibration=Calibration(pictures=calibration, card=reference.card) if calibration is not None else None,
        labelled=measured,
        max_drop=options.max_drop,
        forms=options.forms(),
        session=options.session,
    )
    tolerance = _tolerance(options, reference.path)

    def check(deployed: Deployed) -> Parity:
        return check_agreement(reference, deployed, compared, tolerance=tolerance, seed=options.seed)

    with storage_errors(options.out):
        options.out.parent.mkdir(parents=True, exist_ok=True)
        working = tempfile.TemporaryDirectory(prefix=f".{options.out.stem[:80]}.", dir=options.out.parent)
    with working as folder:
        source, file = Path(folder) / "source" / options.out.name, Path(folder) / options.out.name
        _with_card(reference, source)
        progress(f"making {options.precision}", 0, 0)
        made = make(FLOAT if options.precision == KEEP else options.precision, source, file, job, progress=progress)
        if reference.card.baked_preprocessing:
            bake_file(file)
        progress(f"comparing {options.precision}", 0, 0)
        build = checked(
            options.precision,
            file,
            made,
            card=reference.card,
            session=options.session,
            check=check,
            asked=asked,
        ).moved(options.out)
    progress("done", 1, 1)
    return QuantizeResult(
        model=options.model,
        model_sha256=reference.sha256,
        card=reference.card,
        card_from=reference.card_sources,
        build=build,
        calibration=len(calibration) if calibration is not None else 0,
        calibration_from=calibration.source if calibration is not None else "",
    )


def _pictures(options: QuantizeOptions, card: ModelCard) -> tuple[Pictures | None, Labelled | None, Pictures]:
    """Return (calibration, measuring, comparison): no picture that ranges are learnt from is in one of the others."""
    generator = np.random.default_rng(options.seed)
    measured = labelled(options.data, card, limit=options.limit) if options.data is not None else None
    found: Pictures | None = None
    if options.calibration_data is not None:
        spare = 0 if measured is not None else options.parity_pictures
        limit = options.calibration_pictures + spare
        found = from_folder(options.calibration_data, card, limit=limit, generator=generator)
    if options.calibrates and found is None:
        message = f"{options.precision} learns its ranges from real pictures; add --calibration-data DIR"
        raise InputError(message)
    if options.calibrates and found is not None and measured is None:
        calibration, compared = split(found, share=_PARITY_SHARE, generator=generator)
        return calibration, None, compared
    if options.calibrates and found is not None and measured is not None:
        measured = measured.without(found)
        return found, measured, _some(measured.pictures, options.parity_pictures)
    known = measured.pictures if measured is not None else found or shipped(card)
    return None, measured, _some(known, options.parity_pictures)


def _some(pictures: Pictures, most: int) -> Pictures:
    return pictures.take(spread(range(len(pictures)), most))


def _with_card(reference: Deployed, copy: Path) -> None:
    """Copy the float file with its card in it, so that all that is made of it is fed alike.

    What prepares pictures inside it is left out; it is put before the finished build again.

    Raises:
        ModelError: weights in other files.
        StorageError: the copy cannot be written.
    """
    model = read_model(reference.path)
    refuse_external(model)
    model = strip(model) if is_baked(model) else model
    metadata = read_metadata(model)
    if CARD_KEY not in metadata:
        write_metadata(model, {**reference.card.to_metadata(), **metadata})
    with atomic_write(copy) as out:
        out.write(model.SerializeToString())


def _tolerance(options: QuantizeOptions, reference: Path) -> Tolerance:
    if options.tolerance is not None:
        return options.tolerance
    kept = FLOAT if not operators(read_model(reference)) & QUANTISED else STATIC
    return TOLERANCES[kept if options.precision == KEEP else options.precision]
