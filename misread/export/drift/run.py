"""Measure the drift by layer between two readers: builds, or origins that are exported for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from misread.data import spread
from misread.errors import ModelError
from misread.export.drift.exposed import Exposed
from misread.export.drift.match import Match, matches
from misread.export.onnx import export_onnx
from misread.export.reader import TwinReader
from misread.export.twin import Twin
from misread.pixels import fit
from misread.runtime.compare.drift import Drift, Layer
from misread.runtime.session import Deployed, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from misread.data import Sample
    from misread.runtime.session import Reader

#: Pictures over which the drift is measured.
PICTURES: Final = 8


def layer_drift(a: Reader, b: Reader, samples: Sequence[Sample]) -> Drift:
    """Measure how far the inner tensors of two readers are apart, each fed as its own card says.

    Args:
        a: the reference; an origin is exported to a temporary fp32 file.
        b: the other, likewise.
        samples: pictures; the measurement takes some of them, evenly spread.

    Raises:
        ModelError: one of the two is no ONNX file and no origin, or its layers cannot be read.
        FileError: a picture cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="misread-drift-") as folder:
        exposed = [_expose(reader, Path(folder) / f"{at}.onnx") for at, reader in enumerate((a, b))]
        chosen = spread(samples, PICTURES)
        found: tuple[Match, ...] = ()
        sums = np.zeros((0, 2))
        for at, sample in enumerate(chosen):
            image = sample.read()
            prepared = [fit(image, one.card) for one in exposed]
            if at == 0:
                whole = [one.run(picture, one.names) for one, picture in zip(exposed, prepared, strict=True)]
                found = matches(exposed[0].steps, exposed[1].steps, *whole)
                sums = np.zeros((len(found), 2))
            sums += _sums(exposed, prepared, found)
        return _drift(exposed[0], found, sums, len(chosen))


def _expose(reader: Reader, target: Path) -> Exposed:
    if isinstance(reader, Deployed):
        if reader.path.suffix.lower() != ".onnx":
            raise ModelError(f"drift by layer reads the graph of an .onnx file, not {reader.path}; give the .onnx file")
        if reader.card.baked_preprocessing:
            raise ModelError(f"{reader.name} prepares pictures itself; give the build without that to compare layers")
        return Exposed.open(reader.path, reader.card, reader.options)
    if isinstance(reader, TwinReader) and isinstance(reader.twin, Twin):
        export_onnx(reader.twin, reader.card, target)
        return Exposed.open(target, reader.card, SessionOptions())
    raise ModelError(f"{reader.name} has no layers to look into; give an .onnx file or an origin")


def _sums(exposed: Sequence[Exposed], prepared: Sequence[np.ndarray], found: Sequence[Match]) -> np.ndarray:
    """Return (matches, 2): the energy of A's values, and of the difference."""
    names = tuple(dict.fromkeys(match.name for match in found))
    others = tuple(dict.fromkeys(match.other for match in found))
    if not found:
        return np.zeros((0, 2))
    ours, theirs = exposed[0].run(prepared[0], names), exposed[1].run(prepared[1], others)
    rows = []
    for match in found:
        one = ours[match.name].astype(np.float64).reshape(-1)
        other = theirs[match.other].astype(np.float64).reshape(-1)
        rows.append((float(one @ one), float(((one - other) ** 2).sum())))
    return np.array(rows)


def _drift(exposed: Exposed, found: Sequence[Match], sums: np.ndarray, pictures: int) -> Drift:
    steps = {step.output: step for step in exposed.steps.steps}
    layers = tuple(
        Layer(
            name=match.name,
            other=match.other,
            operator=steps[match.name].operator,
            weight=steps[match.name].after,
            snr_db=_decibels(signal, noise),
            matched=match.how,
        )
        for match, (signal, noise) in zip(found, sums.tolist(), strict=True)
    )
    names = {match.name for match in found}
    unmatched = sum(not names & set(layer) for layer in exposed.steps.layers)
    return Drift(layers=layers, pictures=pictures, unmatched=unmatched)


def _decibels(signal: float, noise: float) -> float | None:
    if noise == 0:
        return None
    return float(10 * np.log10(max(signal, 1e-300) / noise))
