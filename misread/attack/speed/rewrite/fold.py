"""Batch norm of fixed statistics becomes part of the layer before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.fx import Node

from misread.attack.speed.rewrite.graph import layer_of, norm_of, put, with_weights

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import GraphModule

    from misread.attack.speed.rewrite.graph import Layer


def fold_norms(graph: GraphModule) -> int:
    """Fold every batch norm whose input a convolution or linear layer makes for it alone.

    Returns:
        How many were folded.
    """
    count = 0
    for node in list(graph.graph.nodes):
        affine = norm_of(graph, node)
        if affine is None or not node.args:
            continue
        before: Node = node.args[0]
        layer, source = layer_of(graph, before), before.args[0] if before.args else None
        if layer is None or len(before.users) != 1 or not isinstance(source, Node):
            continue
        put(graph, node, _folded(layer, *affine), source)
        graph.graph.erase_node(before)
        count += 1
    return count


def _folded(layer: Layer, scale: Tensor, shift: Tensor) -> Layer:
    weight = layer.weight.double() * scale.view(-1, *[1] * (layer.weight.ndim - 1))
    bias = torch.zeros_like(shift) if layer.bias is None else layer.bias.double()
    kind = layer.weight.dtype
    return with_weights(layer, weight.to(kind), (bias * scale + shift).to(kind))
