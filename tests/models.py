"""ONNX files in closed form, for tests that need a build and no training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def graph(
    path: Path,
    *,
    shape: tuple[Any, ...] = ("n", 3, 8, 8),
    kind: str = "FLOAT",
    outputs: int = 1,
    constant: float = 0.0,
    inner: str = "ReduceMean",
    dynamic: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a model that returns the mean of its red and of its green plane, plus a constant.

    With `dynamic` the pixels are quantised to 8 bits by the range of the whole batch first.
    """
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    element = getattr(kinds, kind)
    nodes = [
        helper.make_node("Cast", ["input"], ["cast"], to=kinds.FLOAT),
        helper.make_node("DynamicQuantizeLinear", ["cast"], ["whole", "scale", "zero_point"]),
        helper.make_node("DequantizeLinear", ["whole", "scale", "zero_point"], ["back"]),
        helper.make_node(inner, ["back" if dynamic else "cast", "axes"], ["means"], keepdims=0),
        helper.make_node("Slice", ["means", "zero", "two", "one"], ["sliced"]),
        helper.make_node("Add", ["sliced", "constant"], ["logits"]),
        *[helper.make_node("Identity", ["logits"], [f"more{number}"]) for number in range(outputs - 1)],
    ]
    nodes = [node for node in nodes if dynamic or "quantize" not in node.op_type.lower()]
    values = [
        helper.make_tensor("axes", kinds.INT64, [2], [2, 3]),
        helper.make_tensor("zero", kinds.INT64, [1], [0]),
        helper.make_tensor("two", kinds.INT64, [1], [2]),
        helper.make_tensor("one", kinds.INT64, [1], [1]),
        helper.make_tensor("constant", kinds.FLOAT, [1], [constant]),
    ]
    names = ["logits", *[f"more{number}" for number in range(outputs - 1)]]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("input", element, shape)],
            [helper.make_tensor_value_info(name, kinds.FLOAT, None) for name in names],
            values,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
