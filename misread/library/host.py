"""The calls that need torch: export, quantise, attack, assess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from misread.flags import parse_number
from misread.library.options import Place, options_of, with_torch
from misread.runtime.judge import Progress, quiet
from misread.wish import Wish

if TYPE_CHECKING:
    from misread.attack.assess.result import Assessment
    from misread.attack.run import AttackResult
    from misread.export.quantize.run import QuantizeResult
    from misread.export.run import ExportResult
    from misread.runtime.session import Reader

Labels = str | Sequence[str]


def export_builds(origin: str, out: Place, *, progress: Progress = quiet, **options: Any) -> ExportResult:
    """Export a PyTorch classifier to ONNX builds that agree with it: `misread export`.

    Args:
        origin: `signs`, `timm:NAME`, `file.py:factory` …
        out: the ONNX file; further precisions lie beside it.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.export.run.ExportOptions`: `precisions`, `weights`, `labels`, `overwrite` …

    Raises:
        MisreadError: one sentence; no file was written or changed.

    Examples:
        >>> found = misread.export_builds("signs", "exported.onnx", precisions="fp32")
        >>> [build.file.path.name for build in found.builds]
        ['exported.onnx']
    """
    with with_torch("export"):
        from misread.export.run import ExportOptions
        from misread.export.run import export_builds as run

        return run(options_of(ExportOptions, origin=origin, out=out, **options), progress=progress)


def quantize(model: Place, out: Place, *, progress: Progress = quiet, **options: Any) -> QuantizeResult:
    """Make an int8 or fp16 build of a float ONNX file, and say what it costs: `misread quantize`.

    Args:
        model: a float32 ONNX file.
        out: the ONNX file to write.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.export.quantize.run.QuantizeOptions`: `precision`, `calibration_data`, `data` …

    Raises:
        MisreadError: one sentence; no file was written or changed.

    Examples:
        >>> found = misread.quantize("signs.onnx", "small.onnx", precision="fp16")
        >>> found.build.precision
        'fp16'
    """
    with with_torch("export"):
        from misread.export.quantize.run import QuantizeOptions
        from misread.export.quantize.run import quantize as run

        return run(options_of(QuantizeOptions, model=model, out=out, **options), progress=progress)


def attack_to_bundle(
    model: Place,
    out: Place,
    *,
    norm: str = "linf",
    eps: float | str | None = None,
    target: Labels = (),
    away_from: Labels = (),
    progress: Progress = quiet,
    **options: Any,
) -> AttackResult:
    """Find changed copies that are misread, and write them as a bundle: `misread attack`.

    Args:
        model: an origin, or an ONNX file.
        out: the bundle's folder.
        norm: `linf`, `l2`, `l1` or `l0`.
        eps: size of the change, as a number or as in `8/255`; None looks for the smallest.
        target: labels that it is to be read as, any of them.
        away_from: labels that are no success.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.attack.options.AttackOptions`: `data`, `builds`, `attack`, `limit`, `seed` …

    Raises:
        MisreadError: one sentence that says what is wrong.

    Examples:
        >>> found = misread.attack_to_bundle("signs", "found", limit=1, builds="signs.onnx")
        >>> found.found.hits, found.bundle.witnesses[0].label
        (1, 'Stop')
    """
    with with_torch("attack"):
        from misread.attack.options import AttackOptions
        from misread.attack.run import attack_to_bundle as run
        from misread.attack.threat import Threat

        threat: Any = {"norm": norm, "eps": _number(eps)}
        wish = Wish.of(_several(target), _several(away_from))
        said = {"origin": str(model), "out": out, "threat": Threat(**threat), "wish": wish}
        return run(options_of(AttackOptions, **said | options), progress=progress)


def assess(
    model: Place, eps: float | str, *, norm: str = "linf", progress: Progress = quiet, **options: Any
) -> Assessment:
    """Measure robust accuracy with the fixed suite, of a model and of each build: `misread assess`.

    Args:
        model: an origin, or an ONNX file.
        eps: size of the change, as a number or as in `8/255`.
        norm: `linf`, `l2`, `l1` or `l0`.
        progress: told what is being done, how much of it is done, and how much there is.
        options: others of `misread.attack.assess.options.AssessOptions`: `data`, `builds`, `out`, `limit` …

    Raises:
        MisreadError: one sentence that says what is wrong.

    Examples:
        >>> found = misread.assess("signs", "8/255", limit=1)
        >>> found.clean.text()
        '1/1 (100.0 %, 95 % CI 20.7-100.0)'
    """
    with with_torch("attack"):
        from misread.attack.assess.options import AssessOptions
        from misread.attack.assess.run import assess as run
        from misread.attack.threat import Threat

        threat: Any = {"norm": norm, "eps": _number(eps)}
        asked = options_of(AssessOptions, **{"model": str(model), "threat": Threat(**threat)} | options)
        return run(asked, progress=progress)


def open_origin(text: str) -> Reader:
    """Load a PyTorch classifier as a reader.

    Raises:
        MisreadError: one sentence that says what is wrong.
    """
    with with_torch("export"):
        from misread.export.reader import open_twin

        return open_twin(text)


def _number(eps: float | str | None) -> float | None:
    return parse_number(eps) if isinstance(eps, str) else eps


def _several(labels: Labels) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(labels)
