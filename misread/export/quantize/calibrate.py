"""Ranges of every tensor, learnt from real pictures a few at a time: nothing but the ranges grows with their number."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, create_calibrator
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from misread.errors import ModelError
from misread.export.onnx_file import read_model
from misread.export.quantize.prepare import image_input
from misread.pixels import to_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from misread.card import ModelCard
    from misread.export.pictures import Pictures
    from misread.export.quantize.options import Method

#: What onnxruntime's quantisers know; ranges are learnt around these.
QUANTISABLE: Final[tuple[str, ...]] = tuple(sorted(set(QDQRegistry) | set(QLinearOpsRegistry)))
#: minmax takes two numbers a tensor out of onnxruntime, the others every value of it: they get one picture at a time.
_BATCH: Final[dict[str, int]] = {"minmax": 8, "percentile": 1, "entropy": 1}
_METHODS: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "minmax": (CalibrationMethod.MinMax, {"symmetric": False}),
    "percentile": (CalibrationMethod.Percentile, {"symmetric": False, "percentile": 99.99}),
    # By itself onnxruntime takes as many bins as levels, which leaves nothing to choose between.
    "entropy": (CalibrationMethod.Entropy, {"symmetric": False, "num_bins": 512, "num_quantized_bins": 128}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Pictures to learn ranges from, and how the model is fed.

    Attributes:
        pictures: prepared, (n, h, w, 3) uint8.
        card: turns them into inputs.
    """

    pictures: Pictures
    card: ModelCard

    def of(self, rows: NDArray[np.integer]) -> Calibration:
        """Return the calibration by the pictures of these rows."""
        return Calibration(pictures=self.pictures.take(rows), card=self.card)

    def batches(self, size: int, *, exact: bool = False) -> Iterator[NDArray[np.float32]]:
        """Yield inputs (size, c, h, w); the last batch is shorter, or `exact` and filled with the last picture."""
        prepared = self.pictures.prepared
        for start in range(0, len(prepared), size):
            batch = to_input(prepared[start : start + size], self.card)
            short = size - len(batch) if exact else 0
            yield np.concatenate([batch, np.repeat(batch[-1:], short, axis=0)]) if short else batch


def learn_ranges(prepared: Path, calibration: Calibration, method: Method) -> Any:
    """Return onnxruntime's `TensorsData`: a lowest and a highest value of every tensor.

    Args:
        prepared: the float model, with the shapes of its tensors inferred.
        calibration: real pictures.
        method: how ranges are learnt.

    Raises:
        ModelError: the values of some tensor are not finite.
    """
    kind, settings = _METHODS[method]
    end = image_input(read_model(prepared))
    fixed = int(end.type.tensor_type.shape.dim[0].dim_value)
    with tempfile.TemporaryDirectory(dir=prepared.parent) as folder:
        calibrator = create_calibrator(
            prepared,
            list(QUANTISABLE),
            augmented_model_path=str(Path(folder) / "watched.onnx"),
            calibrate_method=kind,
            extra_options=settings,
        )
        for batch in calibration.batches(fixed or _BATCH[method], exact=bool(fixed)):
            calibrator.collect_data(_Once({end.name: batch}))
        found = calibrator.compute_data()
    for name, data in found.items():
        if not np.isfinite([float(np.ravel(value)[0]) for value in data.range_value]).all():
            message = f"the values of {name} are not finite on the calibration pictures; check the model's weights"
            raise ModelError(message)
    return found


class _Once(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Hands one batch to onnxruntime, which keeps what a reader gives until the reader ends."""

    def __init__(self, batch: dict[str, NDArray[np.float32]]) -> None:
        self._waiting: dict[str, NDArray[np.float32]] | None = batch

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the batch, then None."""
        batch, self._waiting = self._waiting, None
        return batch
