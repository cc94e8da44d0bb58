"""The surrogate: a graph as a torch module, with gradients to its input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

import torch
from onnx import TensorProto
from torch import Tensor, nn

from misread.attack.surrogate.fuse import fuse
from misread.attack.surrogate.interpret import interpret, outputs_of, plan
from misread.attack.surrogate.node import Node, straight_through
from misread.errors import ModelError

if TYPE_CHECKING:
    from misread.attack.surrogate.graph import Graph

_COUPLED: Final = frozenset({"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"})
"""Operators that look at the whole batch: each picture is run alone, as onnxruntime runs a batch of one."""
_SAME_VALUES: Final = frozenset({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast"})


@final
class Surrogate(nn.Module):
    """What an ONNX classifier computes, differentiable.

    `forward` takes the graph's own input, (n, c, h, w) float32 (for a half-precision input too; whole numbers for a
    uint8 one), and returns its output as (n, k) float32. Each picture's answer is what onnxruntime gives for it alone,
    however many pictures there are. Nothing asks for a gradient but the input; `.to(device)` moves all constants.

    Attributes:
        shape: of the input as the file declares it, None for a size left open.
        fixed_batch: pictures in one run of the graph: what the file declares, 1 where the graph couples pictures, else
            None.
        ends_in_softmax: whether the graph's last computation is a softmax, so that it returns probabilities.
    """

    def __init__(self, graph: Graph, *, log_softmax: bool = False) -> None:
        """Fold what is constant and look every operator up.

        Args:
            graph: as parsed.
            log_softmax: leave the exponential out of a final softmax: logits where there were probabilities, without
                the zeros and ones that float32 makes of confident ones.

        Raises:
            UnsupportedOperator: an operator that is not covered.
            ModelError: constants that cannot be computed.
        """
        super().__init__()
        # scales first, so that quantised layers can be told; then their weights
        graph = fold(fuse(fold(graph, but=("DequantizeLinear",))))
        nodes, constants = list(graph.nodes), graph.constants
        at = _final_softmax(nodes, graph.output)
        self.ends_in_softmax = at is not None
        if log_softmax and at is not None:
            nodes[at] = replace(nodes[at], operator="LogSoftmax")
        nodes = _needed(nodes, graph.output)
        self.shape, self.name_in, self.name_out = graph.shape, graph.input, graph.output
        coupled = any(node.operator in _COUPLED for node in nodes)
        self.fixed_batch = 1 if coupled else graph.shape[0]
        self._uint8, self._half = graph.element_type == TensorProto.UINT8, graph.element_type == TensorProto.FLOAT16
        used = {name for node in nodes for name in node.inputs} | {graph.output}
        self._constants = {name: f"constant_{at}" for at, name in enumerate(constants) if name in used}
        for name, attribute in self._constants.items():
            self.register_buffer(attribute, constants[name], persistent=False)
        self._steps = plan(nodes, keep=(*self._constants, graph.output))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the output (n, k) for the graph's input (n, c, h, w) float32.

        Raises:
            ModelError: the pictures do not fit the graph, or the output is not one row a picture.
        """
        if images.ndim != 4 or any(
            want not in {None, got} for want, got in zip(self.shape[1:], images.shape[1:], strict=False)
        ):
            message = f"the graph takes (n, c, h, w) of {list(self.shape)}, got {list(images.shape)}"
            raise ModelError(message)
        count, size = len(images), self.fixed_batch or len(images)
        if not count:  # operators need not know what to do with nothing
            return self._run(images.new_zeros(self.fixed_batch or 1, *images.shape[1:]))[:0]
        if count == size:
            return self._run(images)
        short = -count % size
        filled = torch.cat([images, images[-1:].expand(short, -1, -1, -1)]) if short else images
        return torch.cat([self._run(chunk) for chunk in torch.split(filled, size)])[:count]

    def _run(self, images: Tensor) -> Tensor:
        values: dict[str, Tensor | None] = {name: getattr(self, at) for name, at in self._constants.items()}
        values[self.name_in] = self._as_stored(images)
        interpret(self._steps, values)
        output = values[self.name_out]
        if output is None or output.ndim < 1 or len(output) != len(images):
            shape = None if output is None else list(output.shape)
            message = f"the graph returns {shape} for {len(images)} pictures; expected one row for each"
            raise ModelError(message)
        return output.reshape(len(images), -1).float()

    def _as_stored(self, images: Tensor) -> Tensor:
        """Round to what the input's type can hold, gradients passing."""
        if self._uint8:
            return straight_through(images.round().clamp(0, 255), images)
        return straight_through(images.half().float(), images) if self._half else images


def fold(graph: Graph, *, but: tuple[str, ...] = ()) -> Graph:
    """Compute what depends neither on the pixels nor on how many pictures there are, `but` some operators."""
    constants: dict[str, Tensor | None] = {**graph.constants, "": None}
    left = []
    with torch.no_grad():
        for step in plan(_needed(list(graph.nodes), graph.output), keep=()):
            node = step.node
            if node.on_image or node.operator in but or any(name not in constants for name in node.inputs):
                left.append(node)
            else:
                constants.update(zip(node.outputs, outputs_of(step, constants), strict=False))
                constants[""] = None
    known = {name: value for name, value in constants.items() if value is not None}
    return replace(graph, nodes=tuple(left), constants=known)


def _needed(nodes: list[Node], output: str) -> list[Node]:
    """Drop nodes that nothing of the output comes from."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(filter(None, node.inputs))
            kept.append(node)
    return kept[::-1]


def _final_softmax(nodes: list[Node], output: str) -> int | None:
    """Return which node is a softmax that only changes of shape and type follow."""
    makers = {name: at for at, node in enumerate(nodes) for name in node.outputs}
    at = makers.get(output)
    while at is not None and nodes[at].operator in _SAME_VALUES and not nodes[at].domain:
        at = makers.get((*nodes[at].inputs, "")[0])
    return at if at is not None and nodes[at].operator == "Softmax" and not nodes[at].domain else None
