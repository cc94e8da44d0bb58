"""Static int8: quantise and dequantise nodes with ranges learnt from real pictures."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, final

from misread.errors import ModelError
from misread.export.pictures import refuse_unreal
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.prepare import require_float
from misread.export.quantize.workbench import Workbench

if TYPE_CHECKING:
    import onnx

    from misread.export.quantize.calibrate import Calibration

WEIGHTED: Final = frozenset({"Conv", "Gemm"})


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Int8Static:
    """QDQ; by default per-channel, ranges by minimum and maximum over the calibration pictures, types for this CPU.

    Attributes:
        options: how.
        keep_float: names of nodes that stay in float on purpose.
    """

    name: ClassVar[str] = "int8"
    needs_pictures: ClassVar[bool] = True

    options: StaticOptions = field(default_factory=StaticOptions)
    keep_float: frozenset[str] = frozenset()

    def requires(self, source: onnx.ModelProto) -> None:
        """Refuse what is quantised already, takes no float32, or keeps its weights elsewhere.

        Raises:
            ModelError: says which.
        """
        require_float(source, self.name)

    def make(self, source: Path, calibration: Calibration | None) -> onnx.ModelProto:
        """Return the quantised model.

        Raises:
            ModelError: no pictures.
            InputError: pictures that are none.
        """
        if calibration is None:
            message = "int8 learns its ranges from real pictures; add --calibration-data DIR"
            raise ModelError(message)
        refuse_unreal(calibration.pictures)
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            bench = Workbench(source, calibration, Path(folder))
            return bench.quantised(self.options, keep_float=self.keep_float)

    def ensures(self, model: onnx.ModelProto) -> None:
        """Refuse a result in which a convolution or matrix product kept its float weights without being asked to.

        Raises:
            ModelError: names it.
        """
        dequantised = {
            output for node in model.graph.node for output in node.output if node.op_type == "DequantizeLinear"
        }
        for node in model.graph.node:
            left = node.op_type in WEIGHTED and not {node.input[0], node.input[1]} <= dequantised
            if left and node.name not in self.keep_float:
                message = f"int8 left {node.op_type} {node.name} in float; quantise by hand, or ship fp32"
                raise ModelError(message)
        if not dequantised:
            message = "int8 found nothing to quantise in this model; it has no convolution and no linear layer"
            raise ModelError(message)
