"""A float model made fit for onnxruntime's quantisers: opset, names, folded constants, inferred shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx
from onnx import version_converter
from onnxruntime.quantization.shape_inference import quant_pre_process

from misread.errors import ModelError
from misread.export.onnx_file import opset_of, read_metadata, read_model, write_metadata
from misread.export.twin import first_line

MIN_OPSET: Final = 13  # QuantizeLinear with an axis
_MIN_IR: Final = 7  # weights need be no inputs
QUANTISED: Final = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"}
)


def require_float(source: onnx.ModelProto, recipe: str) -> None:
    """Refuse a model that is no float32 one, or whose weights lie elsewhere.

    Args:
        source: the model.
        recipe: who asks, for the message.

    Raises:
        ModelError: says what is wrong.
    """
    if any(node.op_type in QUANTISED for node in source.graph.node):
        message = "the model is quantised already; give the float model it was made of"
        raise ModelError(message)
    refuse_external(source)
    kind = image_input(source).type.tensor_type.elem_type
    if kind != onnx.TensorProto.FLOAT:
        name = onnx.TensorProto.DataType.Name(kind)
        message = (
            f"{recipe} starts from a model that takes float32, this one takes {name.lower()}; give the float model"
        )
        raise ModelError(message)


def refuse_external(source: onnx.ModelProto) -> None:
    """Refuse a model whose weights lie in other files.

    Raises:
        ModelError: they do.
    """
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in source.graph.initializer):
        message = "the model keeps weights in other files; write it as one file first: onnx.save(onnx.load(old), new)"
        raise ModelError(message)


def image_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the one input; old files list their weights among the inputs too.

    Raises:
        ModelError: none, or several.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in weights]
    if len(inputs) != 1:
        message = f"the model is no image classifier: expected one input, got {len(inputs)}"
        raise ModelError(message)
    found: onnx.ValueInfoProto = inputs[0]
    return found


def prepare(source: Path, target: Path) -> None:
    """Write `source` as `target`: at opset 13 or later, every node named, constants folded, shapes inferred.

    Raises:
        ModelError: the opset cannot be raised.
    """
    model = raised(read_model(source))
    _name_nodes(model)
    onnx.save_model(model, target)
    quant_pre_process(target, target)
    model = read_model(target)  # the optimiser's own nodes may lack a name again
    _name_nodes(model)
    onnx.save_model(model, target)


def raised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model at opset 13 or later, its weights no longer among its inputs.

    Raises:
        ModelError: onnx cannot raise it.
    """
    before = opset_of(model)
    if before < MIN_OPSET:
        metadata = read_metadata(model)
        try:
            model = version_converter.convert_version(model, MIN_OPSET)
        except Exception as error:  # the converter raises whatever it meets
            message = f"int8 needs opset {MIN_OPSET}, the model has {before} and cannot be raised: {first_line(error)}"
            raise ModelError(message) from error
        write_metadata(model, metadata)
    end = image_input(model).name
    for entry in [entry for entry in model.graph.input if entry.name != end]:
        model.graph.input.remove(entry)
    model.ir_version = max(model.ir_version, _MIN_IR)
    return model


def _name_nodes(model: onnx.ModelProto) -> None:
    taken = {node.name for node in model.graph.node}
    for number, node in enumerate(model.graph.node):
        if not node.name:
            name = f"{node.op_type.lower()}_{number}"
            while name in taken:
                name += "_"
            node.name = name
            taken.add(name)
