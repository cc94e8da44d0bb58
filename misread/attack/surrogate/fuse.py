"""Quantised layers written as float ones between DequantizeLinear and QuantizeLinear, brought to whole numbers.

onnxruntime does this before it runs such a file: the layer becomes one on whole numbers, whose sums are exact. In
floating numbers the sums differ in their last bits, a tie is rounded the other way in one of a hundred thousand values,
and after fifty layers the logits differ by percents. With the same layers the surrogate gives what the device gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from misread.attack.surrogate.graph import Graph
    from misread.attack.surrogate.node import Node

_CONTRIB: Final = "com.microsoft"
_8_BIT: Final = frozenset({torch.uint8, torch.int8})
_IDLE: Final = frozenset({"Relu", "Clip"})
_SLACK: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """What a float layer becomes.

    Attributes:
        name: of the operator on whole numbers.
        domain: of that operator.
        operands: inputs that are dequantised, each a triple of numbers, scale, zero point.
        weights: the second operand may have a scale for each channel.
        bias: the third input is one.
        bias_first: it comes before the output's scale.
    """

    name: str
    domain: str = ""
    operands: int = 2
    weights: bool = False
    bias: bool = False
    bias_first: bool = False


_RULES: Final[Mapping[str, _Rule]] = {
    "Conv": _Rule(name="QLinearConv", weights=True, bias=True),
    "MatMul": _Rule(name="QLinearMatMul", weights=True),
    "Gemm": _Rule(name="QGemm", domain=_CONTRIB, weights=True, bias=True, bias_first=True),
    "Add": _Rule(name="QLinearAdd", domain=_CONTRIB),
    "Mul": _Rule(name="QLinearMul", domain=_CONTRIB),
    "AveragePool": _Rule(name="QLinearAveragePool", domain=_CONTRIB, operands=1),
    "GlobalAveragePool": _Rule(name="QLinearGlobalAveragePool", domain=_CONTRIB, operands=1),
}


def fuse(graph: Graph) -> Graph:
    """Replace the layers of `_RULES` between DequantizeLinear and QuantizeLinear; all else stays."""
    parts = _Parts.of(graph)
    nodes = [parts.fused(node) or node for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """Who makes and who uses each value."""

    constants: Mapping[str, Tensor]
    makers: Mapping[str, Node]
    uses: Mapping[str, int]

    @classmethod
    def of(cls, graph: Graph) -> Self:
        uses: dict[str, int] = {graph.output: 1}
        for name in (name for node in graph.nodes for name in node.inputs):
            uses[name] = uses.get(name, 0) + 1
        makers = {name: node for node in graph.nodes for name in node.outputs}
        return cls(constants=graph.constants, makers=makers, uses=uses)

    def fused(self, last: Node) -> Node | None:
        """Return one node for the layer that ends in the QuantizeLinear `last`, or None."""
        if last.operator != "QuantizeLinear" or last.get("output_dtype", 0) or not self.single(last.inputs, 1):
            return None
        layer = self.before(last.inputs[0])
        if layer is not None and layer.operator in _IDLE and layer.inputs and self.idle(layer, last):
            layer = self.before(layer.inputs[0])
        rule = None if layer is None or layer.domain else _RULES.get(layer.operator)
        read = None if layer is None or rule is None else self.operands(layer, rule)
        if layer is None or rule is None or read is None:
            return None
        inputs, out = [name for operand in read for name in operand], last.inputs[1:3]
        bias = self.bias(layer.inputs) if rule.bias else []
        if bias is None or layer.get("beta", 1.0) != 1:
            return None
        inputs += [*bias, *out] if rule.bias_first else [*out, *bias]
        return replace(layer, operator=rule.name, domain=rule.domain, inputs=tuple(inputs), outputs=last.outputs)

    def operands(self, layer: Node, rule: _Rule) -> list[tuple[str, str, str]] | None:
        """Return what the layer's operands are dequantised from: activations with one scale, weights with any."""
        read = [self.quantised(name) for name in layer.inputs[: rule.operands]]
        found = [operand for operand in read if operand is not None]
        if len(found) < rule.operands or (len(layer.inputs) > rule.operands and not rule.bias):
            return None
        fits = all(self.single(found[at], 1) for at in range(1 if rule.weights else rule.operands))
        return found if fits else None

    def before(self, name: str) -> Node | None:
        """Return the node that makes `name`, where nobody else needs that."""
        return self.makers.get(name) if self.uses[name] == 1 else None

    def quantised(self, name: str) -> tuple[str, str, str] | None:
        """Return the whole numbers, the scale and the zero point that `name` is dequantised from."""
        maker = self.makers.get(name)
        if maker is None or maker.operator != "DequantizeLinear" or maker.get("block_size", 0) or len(maker.inputs) < 2:
            return None
        return maker.inputs[0], maker.inputs[1], maker.inputs[2] if len(maker.inputs) > 2 else ""

    def single(self, inputs: tuple[str, ...], at: int) -> bool:
        """Say whether scale and zero point of `inputs`, which begin at `at`, are constants, one for all, of 8 bits."""
        if len(inputs) < at + 2:
            return False
        scale, zero = self.constants.get(inputs[at]), self.constants.get(inputs[at + 1])
        return scale is not None and scale.numel() == 1 and zero is not None and zero.dtype in _8_BIT

    def bias(self, inputs: tuple[str, ...]) -> list[str] | None:
        """Return a bias of whole numbers in units of the sums, "" for none, None for one that stays in float."""
        if len(inputs) < 3 or not inputs[2]:
            return [""]
        found = self.quantised(inputs[2])
        whole = self.constants.get(found[0]) if found else None
        return [found[0]] if found and whole is not None and whole.dtype == torch.int32 else None

    def idle(self, limit: Node, last: Node) -> bool:
        """Say whether a Relu or a Clip allows all that `last` can hold, so that it changes nothing."""
        scale, zero = self.constants[last.inputs[1]], self.constants[last.inputs[2]]
        ends = torch.iinfo(zero.dtype)
        low, high = ((end - int(zero)) * float(scale) for end in (ends.min, ends.max))
        if limit.operator == "Relu":
            return low >= 0
        bounds = [self.constants.get(name) if name else None for name in limit.inputs[1:]]
        if any(name and bound is None for name, bound in zip(limit.inputs[1:], bounds, strict=True)):
            return False
        least = limit.get("min", float("-inf")) if not bounds or bounds[0] is None else float(bounds[0])
        most = limit.get("max", float("inf")) if len(bounds) < 2 or bounds[1] is None else float(bounds[1])
        return least <= low + _SLACK and most >= high - _SLACK
