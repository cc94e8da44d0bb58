"""The graph of a build as a list of steps: what depends on the picture, where weights are, what follows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import onnx

#: Operators with weights, in float and in the integer forms that quantisers put in their place.
WEIGHTED: Final = frozenset(
    {
        "Conv", "ConvTranspose", "Gemm", "MatMul", "FusedConv", "FusedGemm", "FusedMatMul", "NhwcFusedConv",
        "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QGemm",
        "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits",
    }
)  # fmt: skip
#: Operators that belong to the layer before them: they change values one by one.
_FOLLOWING: Final = frozenset(
    {
        "BatchNormalization", "Relu", "Clip", "LeakyRelu", "HardSwish", "HardSigmoid", "Sigmoid", "PRelu", "Elu",
        "Add", "Sub", "Mul", "Div", "Cast", "QuantizeLinear", "DequantizeLinear", "Identity", "Min", "Max",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One node whose result depends on the picture.

    Attributes:
        operator: its kind.
        output: name of its first output.
        weight: name of its weight, for the weighted; empty otherwise.
        after: the weight of the nearest weighted step before it, its own included.
    """

    operator: str
    output: str
    weight: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """A graph.

    Attributes:
        steps: in the order of computation.
        layers: per weighted step, in order: its output and those that follow it value by value.
    """

    steps: tuple[Step, ...]
    layers: tuple[tuple[str, ...], ...]


def steps_of(graph: onnx.GraphProto) -> Steps:
    """Return the steps of a graph from its first input on; branches inside nodes are not looked into."""
    fixed = {entry.name for entry in graph.initializer}
    reached = {entry.name for entry in graph.input if entry.name not in fixed}
    origins: dict[str, str] = {}
    after: dict[str, str] = {}
    readers: dict[str, list[onnx.NodeProto]] = {}
    steps: list[Step] = []
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
        moving = [name for name in node.input if name in reached]
        if not moving:
            _remember(node, fixed, origins)
            continue
        reached.update(name for name in node.output if name)
        weight = _weight(node, reached, origins)
        before = weight or next((after[name] for name in moving if after.get(name)), "")
        after.update(dict.fromkeys(node.output, before))
        steps.append(Step(operator=node.op_type, output=node.output[0], weight=weight, after=before))
    layers = tuple(tuple(_chain(step.output, readers)) for step in steps if step.weight)
    return Steps(steps=tuple(steps), layers=layers)


def _remember(node: onnx.NodeProto, fixed: set[str], origins: dict[str, str]) -> None:
    """Follow a constant to the initializer it is made of: a quantised weight keeps its name."""
    source = next((origins.get(name, name) for name in node.input if name in fixed or name in origins), "")
    origins.update(dict.fromkeys(node.output, source or node.output[0]))


def _weight(node: onnx.NodeProto, reached: set[str], origins: dict[str, str]) -> str:
    if node.op_type not in WEIGHTED:
        return ""
    held = [name for name in node.input if name and name not in reached]
    return origins.get(held[0], held[0]) if held else ""


def _chain(start: str, readers: dict[str, list[onnx.NodeProto]]) -> list[str]:
    found = [start]
    while len(readers.get(found[-1], ())) == 1 and len(found) < 8:
        node = readers[found[-1]][0]
        if node.op_type not in _FOLLOWING:
            break
        found.append(node.output[0])
    return found
