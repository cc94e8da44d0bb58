"""Control flow that is decided by shapes and constants: If."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.attack.surrogate.node import Operator, Subgraph

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def if_(node: Node, condition: Tensor, *captured: Tensor | None) -> tuple[Tensor, ...]:
    """Run the branch that the condition, one bool, names; the branch is given what it takes from around it."""
    branch = node.attributes["then_branch" if condition.item() else "else_branch"]
    if not isinstance(branch, Subgraph):
        raise node.refuse("branches that are no graphs")
    return branch.run(dict(zip(node.inputs, (condition, *captured), strict=True)))


CONTROL: Final[tuple[Operator, ...]] = (Operator(name="If", function=if_),)
