"""The smallest thing that runs a graph of surrogate operators: a loop over its nodes, any inputs, all outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import AttributeProto, numpy_helper

from misread.attack.surrogate.node import Node
from misread.attack.surrogate.operators import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def run_model(model: onnx.ModelProto, feeds: Mapping[str, Tensor]) -> list[Tensor | None]:
    """Return the graph's outputs in order."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    values: dict[str, Any] = {entry.name: _tensor(entry) for entry in model.graph.initializer}
    values |= feeds | {"": None}
    for proto in model.graph.node:
        function = BY_NAME[proto.domain, proto.op_type].function
        found = function(_node(proto, opsets), *(values[name] for name in proto.input))
        values |= zip(proto.output, found if isinstance(found, tuple) else (found,), strict=False)
    return [values[info.name] for info in model.graph.output]


def _node(proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Node:
    """Return the node as operators see it."""
    return Node(
        operator=proto.op_type,
        domain=proto.domain,
        name=proto.name or proto.output[0],
        opset=opsets[proto.domain],
        attributes={entry.name: _attribute(entry) for entry in proto.attribute},
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
    )


def _attribute(proto: AttributeProto) -> Any:
    """Return the value as Python has it."""
    value = onnx.helper.get_attribute_value(proto)
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if proto.type in {AttributeProto.FLOATS, AttributeProto.INTS} else value


def _tensor(proto: onnx.TensorProto) -> Tensor:
    """Return the tensor, half precision as float32."""
    array = numpy_helper.to_array(proto)
    if array.dtype.name in {"float16", "bfloat16"}:
        array = array.astype("float32")
    return torch.from_numpy(array.copy())
