"""Comparisons, logic, bits, and the choice between two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.plain import plain

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _shift(node: Node, values: Tensor, by: Tensor) -> Tensor:
    """Shift unsigned whole numbers by bits; what leaves the type is lost."""
    move = torch.bitwise_left_shift if node.attributes["direction"] == "LEFT" else torch.bitwise_right_shift
    return move(values.long(), by.long()).to(values.dtype)


COMPARE: Final[tuple[Operator, ...]] = (
    Operator(name="Equal", function=plain(torch.eq)),
    Operator(name="Less", function=plain(torch.lt)),
    Operator(name="LessOrEqual", function=plain(torch.le)),
    Operator(name="Greater", function=plain(torch.gt)),
    Operator(name="GreaterOrEqual", function=plain(torch.ge)),
    Operator(name="And", function=plain(torch.logical_and)),
    Operator(name="Or", function=plain(torch.logical_or)),
    Operator(name="Xor", function=plain(torch.logical_xor)),
    Operator(name="Not", function=plain(torch.logical_not)),
    Operator(name="BitwiseAnd", function=plain(torch.bitwise_and)),
    Operator(name="BitwiseOr", function=plain(torch.bitwise_or)),
    Operator(name="BitwiseXor", function=plain(torch.bitwise_xor)),
    Operator(name="BitwiseNot", function=plain(torch.bitwise_not)),
    Operator(name="BitShift", function=_shift),
    Operator(name="Where", function=plain(torch.where)),
)
