"""Dynamic int8: weights on 256 levels, the range of every activation measured anew while the model runs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from onnxruntime.quantization import QuantType, quantize_dynamic

from misread.errors import ModelError
from misread.export.onnx_file import read_model
from misread.export.quantize.base import operators
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.prepare import prepare, require_float

if TYPE_CHECKING:
    import onnx

    from misread.export.quantize.calibrate import Calibration


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Dynamic:
    """A quarter of the file and no calibration; on a CPU slower than fp32 where the model has convolutions.

    Attributes:
        options: `per_channel` and `target` count; there are no ranges to learn.
    """

    name: ClassVar[str] = "int8-dynamic"
    needs_pictures: ClassVar[bool] = False

    options: StaticOptions = field(default_factory=StaticOptions)

    def requires(self, source: onnx.ModelProto) -> None:
        """Refuse what is quantised already, takes no float32, or keeps its weights elsewhere.

        Raises:
            ModelError: says which.
        """
        require_float(source, self.name)

    def make(self, source: Path, calibration: Calibration | None) -> onnx.ModelProto:
        """Return the quantised model; `calibration` is not used."""
        del calibration
        said = self.options.settled()
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            prepared, made = Path(folder) / "prepared.onnx", Path(folder) / "made.onnx"
            prepare(source, prepared)
            quantize_dynamic(
                prepared,
                made,
                per_channel=bool(said.per_channel),
                reduce_range=said.processor.reduce_range,
                # onnxruntime 1.31 runs ConvInteger with signed weights four times slower, and wrong on x86 with VNNI.
                weight_type=QuantType.QUInt8,
            )
            return read_model(made)

    def ensures(self, model: onnx.ModelProto) -> None:
        """Refuse a result without integer products.

        Raises:
            ModelError: nothing was quantised.
        """
        if not operators(model) & {"ConvInteger", "MatMulInteger"}:
            message = "int8-dynamic found nothing to quantise in this model; it has no convolution and no linear layer"
            raise ModelError(message)
