"""One operator in a graph of its own: run by onnxruntime, by the surrogate, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper

from misread.attack.surrogate.node import Node
from misread.attack.surrogate.operators import BY_NAME
from tests.attack.surrogate.runner import run_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Array = NDArray[Any]

IR_VERSION = 8
"""What onnxruntime 1.20 still reads, and enough for opset 25."""


def one_node(
    operator: str,
    inputs: Sequence[Array | None],
    *,
    opset: int,
    outputs: int = 1,
    domain: str = "",
    **attributes: Any,
) -> onnx.ModelProto:
    """Return a graph of one node, all its inputs fed."""
    names = ["" if value is None else f"x{index}" for index, value in enumerate(inputs)]
    results = [f"y{index}" for index in range(outputs)]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in zip(names, inputs, strict=True)
        if value is not None
    ]
    node = helper.make_node(operator, names, results, domain=domain, **attributes)
    graph = helper.make_graph([node], operator, infos, [onnx.ValueInfoProto(name=name) for name in results])
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def by_onnxruntime(model: onnx.ModelProto, inputs: Sequence[Array | None]) -> list[Array]:
    """Return onnxruntime's outputs, computed on one thread and without rewriting the graph."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = (value for value in inputs if value is not None)
    return list(session.run(None, dict(zip((info.name for info in session.get_inputs()), given, strict=True))))


def by_surrogate(model: onnx.ModelProto, inputs: Sequence[Array | None]) -> list[Array]:
    """Return the outputs of the surrogate's operators."""
    given = [torch.from_numpy(value.copy()) for value in inputs if value is not None]
    found = run_model(model, dict(zip((info.name for info in model.graph.input), given, strict=True)))
    return [np.asarray(value) for value in found]


def compare(
    operator: str,
    inputs: Sequence[Array | None],
    *,
    opset: int = 21,
    outputs: int = 1,
    domain: str = "",
    rtol: float = 1e-5,
    atol: float = 1e-6,
    **attributes: Any,
) -> None:
    """Fail where the surrogate's operator and onnxruntime's differ in shape, type or values."""
    model = one_node(operator, inputs, opset=opset, outputs=outputs, domain=domain, **attributes)
    pairs = zip(by_surrogate(model, inputs), by_onnxruntime(model, inputs), strict=True)
    for found, right in pairs:
        assert found.dtype == right.dtype
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right, rtol=rtol, atol=atol)


def function_of(
    operator: str, *, opset: int = 21, outputs: int = 1, domain: str = "", **attributes: Any
) -> Callable[..., Tensor]:
    """Return the first output of the operator as a function of its tensors, to take gradients of."""
    node = Node(
        operator=operator,
        domain=domain,
        name="node",
        opset=opset,
        attributes=attributes,
        inputs=(),
        outputs=tuple(f"y{index}" for index in range(outputs)),
    )

    def call(*inputs: Tensor | None) -> Tensor:
        found = BY_NAME[domain, operator].function(node, *inputs)
        return found[0] if isinstance(found, tuple) else found

    return call


def noise(*shape: int, seed: int = 0, dtype: type[np.generic] = np.float32) -> Array:
    """Return normal noise."""
    drawn: Array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return drawn


def doubles(*shape: int, seed: int = 0) -> Tensor:
    """Return normal noise in double precision that wants gradients."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def label(value: object) -> str:
    """Return a short name of a test's parameter: attributes and words as they are, arrays left out."""
    if isinstance(value, dict):
        return ",".join(f"{name}={entry}" for name, entry in value.items())
    return str(value) if isinstance(value, str | int) else ""
