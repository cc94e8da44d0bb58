"""fp16 storage: weights and activations in half precision, float32 at both ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

import onnx
import onnx_ir
from onnxruntime.transformers.float16 import convert_float_to_float16

from misread.errors import ModelError
from misread.export.onnx_file import read_model

if TYPE_CHECKING:
    from misread.export.quantize.calibrate import Calibration


@final
class Float16:
    """Half the file. On a CPU onnxruntime still computes in float32, so it is no faster there."""

    name = "fp16"
    needs_pictures = False

    def requires(self, source: onnx.ModelProto) -> None:
        """Refuse a model without float32 weights.

        Raises:
            ModelError: there is nothing to convert.
        """
        if not _stored(source, onnx.TensorProto.FLOAT):
            message = "fp16 found no float32 weights to convert in this model"
            raise ModelError(message)

    def make(self, source: Path, calibration: Calibration | None) -> onnx.ModelProto:
        """Return the converted model; `calibration` is not used."""
        del calibration
        converted = onnx_ir.from_proto(convert_float_to_float16(read_model(source), keep_io_types=True))
        converted.graph.sort()  # the converter appends its casts at the end, against the ONNX order
        sorted_model: onnx.ModelProto = onnx_ir.to_proto(converted)
        return sorted_model

    def ensures(self, model: onnx.ModelProto) -> None:
        """Refuse a result that holds no fp16 weight.

        Raises:
            ModelError: nothing was converted.
        """
        if not _stored(model, onnx.TensorProto.FLOAT16):
            message = "fp16 converted no weight of this model; ship fp32"
            raise ModelError(message)


def _stored(model: onnx.ModelProto, kind: int) -> bool:
    return any(tensor.data_type == kind for tensor in model.graph.initializer)
