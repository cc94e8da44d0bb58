"""From the protobuf to nodes and constants: names, types and order, nothing computed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import torch
from onnx import AttributeProto, TensorProto, numpy_helper
from torch import Tensor

from misread.attack.surrogate.interpret import interpret, plan
from misread.attack.surrogate.node import Node, Subgraph
from misread.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STANDARD: Final = "ai.onnx"
_SHAPE_ONLY: Final = frozenset({"Shape", "Size"})
_IMAGE_TYPES: Final = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8})
_HALF_BYTES: Final = frozenset({TensorProto.INT4, TensorProto.UINT4})
_FLOAT8: Final[Mapping[int, torch.dtype]] = {
    TensorProto.FLOAT8E4M3FN: torch.float8_e4m3fn,
    TensorProto.FLOAT8E4M3FNUZ: torch.float8_e4m3fnuz,
    TensorProto.FLOAT8E5M2: torch.float8_e5m2,
    TensorProto.FLOAT8E5M2FNUZ: torch.float8_e5m2fnuz,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """A classifier's graph.

    Attributes:
        nodes: in an order in which they can run.
        constants: initialisers by name.
        input: name of the picture's input.
        element_type: of that input, a number of TensorProto.DataType.
        shape: of that input; None where the file leaves a size open.
        output: name of the only output.
        metadata: the model's own, with the card if there is one.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Tensor]
    input: str
    element_type: int
    shape: tuple[int | None, ...]
    output: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def parse(model: onnx.ModelProto) -> Graph:
    """Turn a model without functions and external data into a graph.

    Raises:
        ModelError: no image classifier, or a graph whose parts do not fit together.
    """
    entry = _only_input(model)
    if len(model.graph.output) != 1:
        message = f"no image classifier: expected one output (n, classes), got {len(model.graph.output)}"
        raise ModelError(message)
    parser = _Parser(model)
    constants = {tensor.name: parser.tensor(tensor) for tensor in model.graph.initializer}
    nodes = parser.nodes(model.graph, known={entry.name, *constants}, on_image={entry.name})
    output = model.graph.output[0].name
    if not any(output in node.outputs for node in nodes):
        message = f"nobody makes the output {output!r}; export the model again"
        raise ModelError(message)
    return Graph(
        nodes=nodes,
        constants=constants | parser.hoisted,
        input=entry.name,
        element_type=entry.type.tensor_type.elem_type,
        shape=_shape(entry),
        output=output,
        metadata={prop.key: prop.value for prop in model.metadata_props},
    )


def _only_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    initialised = {tensor.name for tensor in model.graph.initializer}
    entries = [entry for entry in model.graph.input if entry.name not in initialised]
    if len(entries) != 1 or len(_shape(entries[0])) != 4 or entries[0].type.tensor_type.elem_type not in _IMAGE_TYPES:
        found = ", ".join(f"{entry.name} {list(_shape(entry))}" for entry in entries)
        message = f"no image classifier: expected one input (n, c, h, w) of numbers, got {found or 'none'}"
        raise ModelError(message)
    entry: onnx.ValueInfoProto = entries[0]
    return entry


def _shape(entry: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(int(size.dim_value) if size.dim_value > 0 else None for size in entry.type.tensor_type.shape.dim)


class _Parser:
    """Reads nodes; `hoisted` collects the initialisers of subgraphs, which the main graph keeps for them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.opsets = {_domain(entry.domain): int(entry.version) for entry in model.opset_import}
        self.hoisted: dict[str, Tensor] = {}
        self.types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}

    def nodes(self, graph: onnx.GraphProto, *, known: set[str], on_image: set[str]) -> tuple[Node, ...]:
        """Return the graph's nodes in running order; `known` and `on_image` are names from around it."""
        on_image = set(on_image)
        found = []
        for proto in _in_order(graph.node, known):
            node = self.node(proto, on_image)
            if node.on_image:
                on_image.update(filter(None, node.outputs))
            found.append(node)
        return tuple(found)

    def node(self, proto: onnx.NodeProto, on_image: set[str]) -> Node:
        """Return one node, its subgraphs parsed and what they capture among its inputs."""
        name = proto.name or next(iter(proto.output), "") or proto.op_type
        inputs = list(proto.input)
        attributes: dict[str, Any] = {}
        for entry in proto.attribute:
            if entry.type == AttributeProto.GRAPH:
                body, captured = self.subgraph(entry.g, f"{name}/{entry.name}/", on_image)
                attributes[entry.name] = body
                inputs += captured
            else:
                attributes[entry.name] = self.attribute(entry, name)
        if proto.op_type == "QuantizeLinear" and self.types.get((*inputs, "", "", "")[2]) in _HALF_BYTES:
            attributes.setdefault("output_dtype", self.types[inputs[2]])  # carried in bytes, its type would be lost
        depends = proto.op_type not in _SHAPE_ONLY and not on_image.isdisjoint(inputs)
        return Node(
            operator=proto.op_type,
            domain=_domain(proto.domain),
            name=name,
            opset=self.opsets.get(_domain(proto.domain), 1),
            attributes=attributes,
            inputs=tuple(inputs),
            outputs=tuple(proto.output),
            on_image=depends,
        )

    def subgraph(self, graph: onnx.GraphProto, prefix: str, on_image: set[str]) -> tuple[Subgraph, list[str]]:
        """Return a body and the names that it takes from around it; its initialisers get names of their own."""
        renamed = onnx.GraphProto()
        renamed.CopyFrom(graph)
        own = {tensor.name: prefix + tensor.name for tensor in graph.initializer}
        for tensor in graph.initializer:
            self.hoisted[own[tensor.name]] = self.tensor(tensor)
        _rename(renamed, own)
        formal = tuple(entry.name for entry in graph.input if entry.name not in own)
        outputs = tuple(own.get(entry.name, entry.name) for entry in graph.output)
        inside = {name for node in renamed.node for name in node.output}
        taken = {name for node in renamed.node for name in _needs(node)}
        nodes = self.nodes(renamed, known=taken - inside, on_image=on_image | set(formal))
        needed = [name for node in nodes for name in node.inputs] + list(outputs)
        captured = list(dict.fromkeys(name for name in needed if name and name not in inside and name not in formal))
        return Subgraph(inputs=formal, outputs=outputs, run=_runner(nodes, outputs)), captured

    def attribute(self, entry: AttributeProto, node: str) -> Any:
        """Return an attribute as Python has it."""
        value = onnx.helper.get_attribute_value(entry)
        if isinstance(value, TensorProto):
            return self.tensor(value)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, float | int):
            return value
        if entry.type in {AttributeProto.FLOATS, AttributeProto.INTS}:
            return list(value)
        if entry.type == AttributeProto.STRINGS:
            return [text.decode("utf-8", "replace") for text in value]
        message = f"the node {node!r} has an attribute {entry.name!r} of a kind that no classifier needs"
        raise ModelError(message)

    def tensor(self, proto: TensorProto) -> Tensor:
        """Return a tensor, half precision as float32, 4-bit integers as 8-bit ones."""
        try:
            array = numpy_helper.to_array(proto)
            if proto.data_type in _FLOAT8:
                return torch.from_numpy(array.view(np.uint8).copy()).view(_FLOAT8[proto.data_type])
            if array.dtype.name in {"float16", "bfloat16"}:
                array = array.astype(np.float32)
            elif array.dtype.name in {"int4", "uint4"}:
                array = array.astype(array.dtype.name.replace("4", "8"))
            return torch.from_numpy(np.array(array, copy=True, order="C"))
        except (ValueError, TypeError, KeyError) as error:
            message = f"the tensor {proto.name!r} cannot be read: {error}; export the model again"
            raise ModelError(message) from error


def _domain(text: str) -> str:
    return "" if text == _STANDARD else text


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Replace names of inputs of nodes, in place, in bodies inside the body too."""
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)


def _runner(
    nodes: Sequence[Node], outputs: tuple[str, ...]
) -> Callable[[Mapping[str, Tensor | None]], tuple[Tensor, ...]]:
    steps = plan(nodes, keep=())

    def run(values: Mapping[str, Tensor | None]) -> tuple[Tensor, ...]:
        found = dict(values)
        interpret(steps, found, free=False)
        return tuple(value for value in (found[name] for name in outputs) if value is not None)

    return run


def _in_order(nodes: Sequence[onnx.NodeProto], known: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes with producers first: onnxruntime takes them in any order, so converters leave them so.

    Raises:
        ModelError: a value that nobody makes, two that make the same, or a circle.
    """
    makers: dict[str, int] = {}
    for at, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in makers or name in known:
                message = f"the value {name!r} is made twice; export the model again"
                raise ModelError(message)
            makers[name] = at
    sorter: TopologicalSorter[int] = TopologicalSorter()
    sorted_already = True
    for at, node in enumerate(nodes):
        needed = [name for name in _needs(node) if name]
        missing = next((name for name in needed if name not in makers and name not in known), None)
        if missing is not None:
            message = f"the node {node.name or node.op_type!r} needs {missing!r}, which nobody makes"
            raise ModelError(message)
        before = [makers[name] for name in needed if name in makers]
        sorted_already = sorted_already and all(maker < at for maker in before)
        sorter.add(at, *before)
    try:
        return list(nodes) if sorted_already else [nodes[at] for at in sorter.static_order()]
    except CycleError as error:
        message = "the graph has a circle, so it cannot run; export the model again"
        raise ModelError(message) from error


def _needs(node: onnx.NodeProto) -> list[str]:
    """Return what a node takes, with what its subgraphs take from around them."""
    found = list(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            graph = attribute.g
            inside = {name for inner in graph.node for name in inner.output}
            inside |= {entry.name for entry in (*graph.input, *graph.initializer)}
            taken = [name for inner in graph.node for name in _needs(inner)] + [entry.name for entry in graph.output]
            found += [name for name in taken if name not in inside]
    return found
