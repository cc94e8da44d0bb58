"""Operators that are one function of torch and ask for no attribute, on every number type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction

WIDENED: Final = frozenset({torch.uint16, torch.uint32, torch.uint64})
"""Types that torch stores and hardly computes with."""


def plain(function: Callable[..., Tensor]) -> OperatorFunction:
    """Return the operator that is `function` of its inputs.

    Unsigned numbers wider than a byte go through int64 and back, which wraps as they do. From 2**63 on, where a graph
    of a classifier never is, uint64 would compare and divide wrongly.
    """

    def run(_: Node, *inputs: Tensor) -> Tensor:
        dtype = inputs[0].dtype
        if dtype not in WIDENED:
            return function(*inputs)
        found = function(*(value.long() for value in inputs))
        return found.to(dtype) if found.dtype == torch.int64 else found

    return run
