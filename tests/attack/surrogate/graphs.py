"""Small graphs for the tests, and what onnxruntime makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.interpret import interpret, plan
from misread.attack.surrogate.node import Node
from misread.attack.surrogate.operators import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import FunctionProto, NodeProto

Array = NDArray[Any]


def classifier(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, Array] | None = None,
    *,
    shape: Sequence[int | str] = ("n", 3, 4, 4),
    element_type: int = TensorProto.FLOAT,
    opset: int = 17,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    """Return a model from `images` to `logits`."""
    graph = helper.make_graph(
        list(nodes),
        "classifier",
        [helper.make_tensor_value_info("images", element_type, list(shape))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    domains = {"": opset, "com.microsoft": 1, **{function.domain: 1 for function in functions}}
    imports = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=list(functions))


def linear_head(
    features: str, inputs: int, classes: int = 3, seed: int = 0
) -> tuple[list[NodeProto], dict[str, Array]]:
    """Return the nodes from (n, ...) features to logits, and their constants."""
    weight = np.random.default_rng(seed).normal(size=(inputs, classes)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", [features], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["logits"]),
    ]
    return nodes, {"head": weight}


def by_onnxruntime(model: ModelProto, feeds: Mapping[str, Array], *, optimise: bool = True) -> list[Array]:
    """Run a model in onnxruntime on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, dict(feeds))
    return found


def by_surrogate(model: ModelProto, images: Array) -> Array:
    """Run a classifier's graph as it was parsed, without folding and fusing."""
    graph = parse(model)
    values: dict[str, torch.Tensor | None] = {**graph.constants, graph.input: torch.from_numpy(images)}
    interpret(plan(graph.nodes, keep=[graph.output]), values)
    found = values[graph.output]
    if found is None:
        raise AssertionError(graph.output)
    return found.numpy()


def one_node(
    operator: str,
    inputs: Sequence[Array | None],
    *,
    domain: str = "",
    opset: int = 21,
    outputs: int = 1,
    attributes: Mapping[str, Any] | None = None,
) -> tuple[list[Array], list[Array]]:
    """Run one operator in the surrogate and in onnxruntime; return both lists of outputs."""
    names = [f"in{at}" if value is not None else "" for at, value in enumerate(inputs)]
    given = {name: value for name, value in zip(names, inputs, strict=True) if value is not None}
    entries = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), list(value.shape))
        for name, value in given.items()
    ]
    out = [f"out{at}" for at in range(outputs)]
    proto = helper.make_node(operator, names, out, domain=domain, **(attributes or {}))
    # onnxruntime's own operators want constant scales
    first = next(iter(given))
    constants = [numpy_helper.from_array(value, name) for name, value in given.items() if name != first]
    graph = helper.make_graph(
        [proto], "one", entries[:1], [helper.make_empty_tensor_value_info(name) for name in out], constants
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    node = Node(
        operator=operator,
        domain=domain,
        name=operator,
        opset=1 if domain else opset,
        attributes=dict(attributes or {}),
        inputs=tuple(names),
        outputs=tuple(out),
    )
    tensors = [None if value is None else torch.from_numpy(value) for value in inputs]
    found = BY_NAME[domain, operator].function(node, *tensors)
    ours = [value.numpy() for value in (found if isinstance(found, tuple) else (found,))][:outputs]
    return ours, by_onnxruntime(model, {first: given[first]})
