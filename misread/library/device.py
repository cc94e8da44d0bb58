"""The calls that need no torch: open, verify, evaluate, compare, measure, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from misread.bundle import Bundle, read_bundle
from misread.library.options import Place, Places, options_of
from misread.runtime.gates import Gates
from misread.runtime.judge import Progress, quiet
from misread.runtime.session import Deployed, Reader, SessionOptions
from misread.runtime.verify import VerifyOptions
from misread.runtime.verify import verify as run_verify

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.cards.facts import CardFacts
    from misread.runtime.compare import Comparison
    from misread.runtime.evaluate import Evaluation
    from misread.runtime.inspect import Inspection
    from misread.runtime.perf import Perf
    from misread.runtime.verdict import Verification

FILES: Final = frozenset({".onnx", ".ort"})


def load_build(
    path: Place, *, card: ModelCard | CardFacts | None = None, session: SessionOptions | None = None
) -> Deployed:
    """Open an ONNX file in onnxruntime; it reads (h, w, 3) uint8 RGB pictures of any size.

    Args:
        path: the file.
        card: how it is fed, where the file itself does not say.
        session: how onnxruntime runs it.

    Raises:
        FileError: no such file, or no ONNX in it.
        ModelError: no image classifier, or how to feed it is unknown.
        ModelRunError: onnxruntime cannot run it as asked.

    Examples:
        >>> build = misread.load_build("signs.onnx")
        >>> build.card.size_hw, len(build.card.labels)
        ((48, 48), 43)
        >>> bundle = misread.load_bundle("bundle")
        >>> build.read([bundle.read(bundle.witnesses[0].clean)]).labels
        ('Stop',)
    """
    return Deployed.open(Path(path), card=card, options=session)


def load_bundle(folder: Place) -> Bundle:
    """Read the manifest of a bundle; its pictures are read one by one, with `Bundle.read`.

    Raises:
        FileError: no bundle there, or a broken one.

    Examples:
        >>> bundle = misread.load_bundle("bundle")
        >>> bundle.origin, len(bundle.witnesses)
        ('signs', 2)
    """
    return read_bundle(Path(folder))


def verify(
    bundle: Place,
    builds: Places = (),
    *,
    min_clean_accuracy: float | None = None,
    min_robust_accuracy: float | None = None,
    max_flips: int | None = None,
    baseline: Place | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Verification:
    """Judge a bundle on deployed builds: `misread verify`.

    Args:
        bundle: the folder.
        builds: one ONNX file or several.
        min_clean_accuracy: least share of clean pictures read right.
        min_robust_accuracy: least share of witnesses that are surely not misread.
        max_flips: most witnesses that may be misread.
        baseline: the JSON document of an earlier run, than which none may be worse beyond chance.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.runtime.verify.VerifyOptions`: `card`, `session`, `rungs` …

    Raises:
        FileError: the bundle or the baseline cannot be read.
        InputError: the baseline is of another bundle or of other builds.
        OptionError: a value that makes no sense.

    Examples:
        >>> found = misread.verify("bundle", "signs.onnx")
        >>> found.passed, found.sentence
        (True, 'verified: 2 of 2 on signs.onnx')
        >>> gated = misread.verify("bundle", ["signs.onnx"], max_flips=1)
        >>> gated.exit_code, gated.gates[0].sentence
        (1, 'signs.onnx: 2 of 2 witnesses misread, at most 1 allowed')
    """
    gates = options_of(
        Gates,
        min_clean_accuracy=min_clean_accuracy,
        min_robust_accuracy=min_robust_accuracy,
        max_flips=max_flips,
        baseline=baseline,
    )
    asked = options_of(VerifyOptions, **{"bundle": bundle, "builds": builds, "gates": gates} | options)
    return run_verify(asked, progress=progress)


def evaluate(
    model: Place | Reader,
    data: Place,
    *,
    card: ModelCard | CardFacts | None = None,
    session: SessionOptions | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Evaluation:
    """Say how well a model reads labelled pictures: `misread eval`.

    Args:
        model: an ONNX file; an origin such as `signs`, which needs torch; or what is open already.
        data: class folders, a CSV or JSON lines (file, label), an npz.
        card: how an ONNX file is fed, where it does not say.
        session: how onnxruntime runs it.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.runtime.evaluate.EvalOptions`: `limit`, `classes`, `min_accuracy`, `out` …

    Raises:
        MisreadError: one sentence that says what is wrong.

    Examples:
        >>> from misread.assets import scenes_csv
        >>> found = misread.evaluate("signs.onnx", scenes_csv(), min_accuracy=0.9)
        >>> found.passed, found.top1.text()
        (True, '18/18 (100.0 %, 95 % CI 82.4-100.0)')
    """
    from misread.runtime.evaluate import EvalOptions
    from misread.runtime.evaluate import evaluate as run

    return run(_reader(model, card, session), options_of(EvalOptions, data=data, **options), progress=progress)


def compare(
    a: Place | Reader,
    b: Place | Reader,
    data: Place,
    *,
    card: ModelCard | CardFacts | None = None,
    session: SessionOptions | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Comparison:
    """Say how, and why, two models read the same pictures differently: `misread compare`.

    Args:
        a: the reference: an ONNX file, an origin, or what is open already.
        b: the other.
        data: pictures; labels are not needed.
        card: how an ONNX file is fed, where it does not say.
        session: how onnxruntime runs it.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.runtime.compare.CompareOptions`: `min_agreement`, `limit`, `inputs_b` …

    Raises:
        MisreadError: one sentence that says what is wrong.

    Examples:
        >>> found = misread.compare("signs.onnx", "signs.onnx", "bundle/images", min_agreement=1)
        >>> found.passed
        True
    """
    from misread.runtime.compare import CompareOptions
    from misread.runtime.compare import compare as run

    one, other = _reader(a, card, session), _reader(b, card, session)
    return run(one, other, options_of(CompareOptions, data=data, **options), progress=progress)


def perf(builds: Places, *, progress: Progress = quiet, **options: Any) -> Perf:
    """Measure latency, throughput, cold start and memory, several builds in one run: `misread perf`.

    Args:
        builds: ONNX files; the others are held against the first.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.runtime.perf.PerfOptions`: `iterations`, `threads`, `starts`, `max_p95_ms` …

    Raises:
        MisreadError: one sentence that says what is wrong.

    Examples:
        >>> found = misread.perf("signs.onnx", iterations=60, starts=0, max_p95_ms=60_000)
        >>> found.passed
        True
    """
    from misread.runtime.perf import PerfOptions
    from misread.runtime.perf import perf as run

    return run(options_of(PerfOptions, builds=builds, **options), progress=progress)


def inspect(path: Place, *, card: ModelCard | CardFacts | None = None) -> Inspection:
    """Say what an ONNX file holds; nothing of it is run: `misread inspect`.

    Raises:
        FileError: no such file, or no ONNX in it.

    Examples:
        >>> found = misread.inspect("signs.onnx")
        >>> found.precision, found.card_from
        ('fp32', ('misread card',))
    """
    from misread.runtime.inspect import inspect as run

    return run(Path(path), card=card)


def _reader(model: Place | Reader, card: ModelCard | CardFacts | None, session: SessionOptions | None) -> Reader:
    if not isinstance(model, str | Path):
        return model
    if Path(model).suffix.lower() in FILES:
        return load_build(model, card=card, session=session)
    from misread.library.host import open_origin

    return open_origin(str(model))
