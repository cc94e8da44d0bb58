"""Which operators do the damage: each is quantised alone, and the logits are held against those of the float model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime as ort

from misread.export.onnx_file import read_model

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx
    from numpy.typing import NDArray

    from misread.export.quantize.options import StaticOptions
    from misread.export.quantize.workbench import Workbench

PICTURES: Final = 16
#: These only pass values on, so whatever they lose the operators around them lose too.
_PASSING: Final = frozenset(
    {"Clip", "Relu", "MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Pad"}
)
_CLEAN_DB: Final = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerError:
    """What one operator costs.

    Attributes:
        node: its name in the graph.
        operator: as in `Conv`.
        snr_db: power of the logits over the power of their error when it alone is quantised, in decibels.
    """

    node: str
    operator: str
    snr_db: float


def layer_errors(
    bench: Workbench, options: StaticOptions, *, progress: Callable[[str, int, int], None] = lambda *_: None
) -> tuple[LayerError, ...]:
    """Return the error of every operator that loses something, the worst first.

    At most 16 of the calibration pictures are looked at; those that accuracy is measured on are left alone.

    Args:
        bench: the model.
        options: how each operator is quantised.
        progress: called as (what, done, total).
    """
    nodes = [(name, kind) for name, kind in bench.nodes() if kind not in _PASSING]
    inputs = _inputs(bench)
    expected = _logits(read_model(bench.prepared), inputs)
    errors = []
    for done, (name, kind) in enumerate(nodes):
        progress("measuring layer", done, len(nodes))
        alone = bench.quantised(options, only=[name])
        if any(node.op_type == "QuantizeLinear" for node in alone.graph.node):
            snr_db = signal_to_noise_db(expected, _logits(alone, inputs))
            errors.append(LayerError(node=name, operator=kind, snr_db=snr_db))
    return tuple(sorted(errors, key=lambda error: error.snr_db))


def signal_to_noise_db(signal: NDArray[np.float32], noisy: NDArray[np.float32]) -> float:
    """Return 10 log10 of the signal's power over its error's, at most 100; what is not finite is all error."""
    error = float(np.square(noisy.astype(np.float64) - signal).sum())
    power = float(np.square(signal.astype(np.float64)).sum())
    if not math.isfinite(error):
        return -_CLEAN_DB
    if error <= power * 10 ** (-_CLEAN_DB / 10):
        return _CLEAN_DB
    return max(-_CLEAN_DB, 10 * math.log10(power / error)) if power > 0 else -_CLEAN_DB


def _inputs(bench: Workbench) -> list[NDArray[np.float32]]:
    count = len(bench.calibration.pictures)
    rows = np.unique(np.linspace(0, count - 1, min(count, PICTURES)).round().astype(int))
    return list(bench.calibration.of(rows).batches(1))


def _logits(model: onnx.ModelProto, inputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    options: Any = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    end = session.get_inputs()[0]
    size = end.shape[0] if isinstance(end.shape[0], int) else 1
    return np.concatenate([session.run(None, {end.name: np.repeat(one, size, axis=0)})[0][:1] for one in inputs])
