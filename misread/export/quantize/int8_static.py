"""Static int8: quantise and dequantise nodes with ranges learnt from real pictures, per-channel weights."""

from __future__ import annotations

import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, final

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from misread.card import ModelCard
from misread.errors import ModelError
from misread.export.onnx_file import opset_of, read_metadata, read_model
from misread.export.pictures import Pictures, refuse_unreal
from misread.export.quantize.base import operators
from misread.pixels import to_input
from misread.runtime.cpu import cpu_features

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

MIN_OPSET: Final = 13  # QuantizeLinear with an axis
_BATCH: Final = 8
_VNNI: Final = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Types:
    """Which integers a CPU multiplies without saturating.

    Attributes:
        activations: `uint8` or `int8`; weights are int8 always.
        reduce_range: seven bits for the weights, where sums saturate in 16 bits (x86 without VNNI).
    """

    activations: Literal["uint8", "int8"]
    reduce_range: bool


def int8_types(features: tuple[str, ...], machine: str) -> Int8Types:
    """Return the types for a CPU, by its instruction sets and its kind (`x86_64`, `aarch64`).

    onnxruntime's own advice: unsigned activations on x86, with the reduced range where VNNI is missing; signed on ARM.
    """
    if machine.lower() in {"arm64", "aarch64"} or machine.lower().startswith("arm"):
        return Int8Types(activations="int8", reduce_range=False)
    return Int8Types(activations="uint8", reduce_range=not _VNNI & set(features))


@final
class Int8Static:
    """QDQ, per-channel, ranges by minimum and maximum over the calibration pictures; types for this CPU."""

    name = "int8"
    needs_pictures = True

    def requires(self, source: onnx.ModelProto) -> None:
        """Refuse what is quantised already or too old.

        Raises:
            ModelError: says which.
        """
        if opset_of(source) < MIN_OPSET:
            message = f"int8 needs opset {MIN_OPSET} or later, the model has {opset_of(source)}; export it again"
            raise ModelError(message)
        if operators(source) & {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger"}:
            message = "the model is quantised already; give the float model it was made of"
            raise ModelError(message)

    def make(self, source: Path, calibration: Pictures | None) -> onnx.ModelProto:
        """Return the quantised model.

        Raises:
            ModelError: no pictures, or no card in the model.
            InputError: pictures that are none.
        """
        model = read_model(source)
        card = ModelCard.from_metadata(read_metadata(model))
        if calibration is None or card is None:
            message = "int8 needs real pictures and the model's card; add --calibration-data DIR"
            raise ModelError(message)
        refuse_unreal(calibration)
        types = int8_types(cpu_features(), platform.machine())
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
            quant_pre_process(source, prepared)
            quantize_static(
                prepared,
                quantised,
                _Feed(to_input(calibration.prepared, card), model.graph.input[0]),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=types.reduce_range,
                activation_type=QuantType.QUInt8 if types.activations == "uint8" else QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                # Logits on 256 levels would tie; margins need them in float.
                extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"]},
            )
            return read_model(quantised)

    def ensures(self, model: onnx.ModelProto) -> None:
        """Refuse a result in which a convolution or matrix product kept its float weights.

        Raises:
            ModelError: names it.
        """
        dequantised = {
            output for node in model.graph.node for output in node.output if node.op_type == "DequantizeLinear"
        }
        for node in model.graph.node:
            if node.op_type in {"Conv", "Gemm"} and not {node.input[0], node.input[1]} <= dequantised:
                message = f"int8 left {node.op_type} {node.name} in float; quantise by hand, or ship fp32"
                raise ModelError(message)
        if not dequantised:
            message = "int8 found nothing to quantise in this model; it has no convolution and no linear layer"
            raise ModelError(message)


class _Feed(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Hands the calibration pictures to onnxruntime, a batch at a time."""

    def __init__(self, inputs: NDArray[np.float32], end: onnx.ValueInfoProto) -> None:
        dimension = end.type.tensor_type.shape.dim[0]
        self._name, self._at = end.name, 0
        self._batch = int(dimension.dim_value) or _BATCH
        short = (
            -len(inputs) % self._batch if dimension.dim_value else 0
        )  # a fixed batch is filled with the last picture
        self._inputs = np.concatenate([inputs, np.repeat(inputs[-1:], short, axis=0)])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch, None at the end."""
        chunk = self._inputs[self._at : self._at + self._batch]
        self._at += self._batch
        return {self._name: chunk} if len(chunk) else None
