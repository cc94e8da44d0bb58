"""A graph of any inputs and outputs, run by what the surrogate of a classifier is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from misread.attack.surrogate.graph import _Parser
from misread.attack.surrogate.interpret import interpret, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx
    from torch import Tensor


def run_model(model: onnx.ModelProto, feeds: Mapping[str, Tensor]) -> list[Tensor | None]:
    """Return the graph's outputs in order; floating inputs count as pixels, whole numbers as sizes and places."""
    parser = _Parser(model)
    constants = {tensor.name: parser.tensor(tensor) for tensor in model.graph.initializer}
    pixels = {name for name, value in feeds.items() if value.is_floating_point()}
    nodes = parser.nodes(model.graph, known=feeds.keys() | constants.keys(), on_image=pixels)
    values: dict[str, Tensor | None] = {**constants, **parser.hoisted, **feeds}
    interpret(plan(nodes, keep=()), values, free=False)
    return [values[info.name] for info in model.graph.output]
