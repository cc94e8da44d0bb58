"""One float model on the bench: prepared once, its ranges learnt once a method, quantised as often as asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from onnxruntime.quantization import QDQQuantizer, QuantType
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

from misread.export.onnx_file import read_model
from misread.export.quantize.calibrate import QUANTISABLE, Calibration, learn_ranges
from misread.export.quantize.prepare import image_input, prepare
from misread.export.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Collection

    import onnx

    from misread.export.quantize.options import Method, StaticOptions

#: Logits on 256 levels would tie; margins need them in float.
_FLOAT_OUTPUTS: Final = ["Gemm", "MatMul"]
_ARITHMETIC: Final = frozenset({"Add", "Sub", "Mul", "Div"})


class Workbench:
    """What quantising one model again and again shares.

    Attributes:
        calibration: what ranges are learnt from.
        prepared: the float model as the quantiser takes it.
        normalising: nodes that are never quantised.
    """

    def __init__(self, source: Path, calibration: Calibration, folder: Path) -> None:
        """Prepare the model.

        Args:
            source: a float32 ONNX file.
            calibration: real pictures.
            folder: to work in; it must be there as long as the bench is.
        """
        self.calibration = calibration
        self.prepared = folder / "prepared.onnx"
        with quiet():
            prepare(source, self.prepared)
        self.normalising = normalising(read_model(self.prepared))
        self._ranges: dict[Method, Any] = {}

    def nodes(self) -> tuple[tuple[str, str], ...]:
        """Return (name, operator) of every node that can be quantised, in the order of the graph."""
        return tuple(
            (node.name, node.op_type)
            for node in read_model(self.prepared).graph.node
            if node.op_type in QUANTISABLE and node.name not in self.normalising
        )

    def quantised(
        self, options: StaticOptions, *, keep_float: Collection[str] = (), only: Collection[str] = ()
    ) -> onnx.ModelProto:
        """Return the model with quantise and dequantise nodes.

        Args:
            options: how; what they leave open goes by its default.
            keep_float: names of nodes that stay as they are.
            only: names of the nodes to quantise; empty means all.
        """
        said = options.settled()
        target, method = said.processor, said.method or "minmax"
        if method not in self._ranges:
            with quiet():
                self._ranges[method] = learn_ranges(self.prepared, self.calibration, method)
        with quiet():
            quantiser = QDQQuantizer(
                load_model_with_shape_infer(self.prepared),
                bool(said.per_channel),
                target.reduce_range,
                QuantType.QInt8,
                QuantType.QUInt8 if target.activations == "uint8" else QuantType.QInt8,
                self._ranges[method],
                sorted(only),
                sorted(self.normalising.union(keep_float)),
                list(QUANTISABLE),
                {"OpTypesToExcludeOutputQuantization": _FLOAT_OUTPUTS, "ActivationSymmetric": bool(said.symmetric)},
            )
            quantiser.quantize_model()
            quantiser.model.topological_sort()
        model: onnx.ModelProto = quantiser.model.model
        return model


def normalising(model: onnx.ModelProto) -> frozenset[str]:
    """Return the names of the sums and products with constants that stand between the input and the first layer.

    They bring pixels to the network's scale. In eight bits they would round the picture twice, and onnxruntime would
    convert it back and forth, which costs more than their arithmetic.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    pixels, names = {image_input(model).name}, set()
    for node in model.graph.node:
        varying = set(node.input) - constants
        if node.op_type in _ARITHMETIC and varying and varying <= pixels:
            pixels.update(node.output)
            names.add(node.name)
    return frozenset(names)
