"""A max pool before the ReLU that stood in front of it: the same values and gradients, a quarter of the ReLU's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from misread.attack.speed.rewrite.graph import is_max_pool, is_relu, put_behind

if TYPE_CHECKING:
    from torch.fx import GraphModule


def pool_first(graph: GraphModule) -> int:
    """Swap every ReLU with the max pool that alone uses it.

    Returns:
        How many were swapped.
    """
    count = 0
    for node in list(graph.graph.nodes):
        if not is_max_pool(graph, node) or not node.args:
            continue
        before = node.args[0]
        if not is_relu(graph, before) or len(before.users) != 1:
            continue
        node.replace_input_with(before, before.args[0])
        put_behind(graph, node, nn.ReLU())
        graph.graph.erase_node(before)
        count += 1
    return count
