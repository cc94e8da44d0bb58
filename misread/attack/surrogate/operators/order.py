"""What depends on the order of values: the places of extremes, the greatest few, running sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.plain import WIDENED

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction


def _place(name: str) -> OperatorFunction:
    """Return argmax or argmin; of equal values the first, or the last where that is asked for."""

    def run(node: Node, values: Tensor) -> Tensor:
        axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
        last = node.get("select_last_index", 0)
        found: Tensor = getattr(values.flip(axis) if last else values, name)(axis, keepdim=keep)
        return values.shape[axis] - 1 - found if last else found

    return run


def _top_k(node: Node, values: Tensor, count: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the `k` greatest or least values along an axis, in order, and their places; of equal values the first."""
    many = node.attributes["k"] if count is None else int(count.item())
    axis, largest = node.get("axis", -1), bool(node.get("largest", 1))
    wide = values.long() if values.dtype in WIDENED else values
    ordered, places = wide.sort(dim=axis, descending=largest, stable=True)
    return ordered.narrow(axis, 0, many).to(values.dtype), places.narrow(axis, 0, many)


def _running(function: Callable[[Tensor, int], Tensor], start: int) -> OperatorFunction:
    """Return a running sum or product, backwards or without the value itself where that is asked for."""

    def run(node: Node, values: Tensor, axis_value: Tensor) -> Tensor:
        axis = int(axis_value.item())
        ordered = values.flip(axis) if node.get("reverse", 0) else values
        if node.get("exclusive", 0):
            first = torch.full_like(ordered.narrow(axis, 0, 1), start)
            ordered = torch.cat([first, ordered.narrow(axis, 0, ordered.shape[axis] - 1)], axis)
        found = function(ordered, axis).to(values.dtype)
        return found.flip(axis) if node.get("reverse", 0) else found

    return run


ORDER: Final[tuple[Operator, ...]] = (
    Operator(name="ArgMax", function=_place("argmax")),
    Operator(name="ArgMin", function=_place("argmin")),
    Operator(name="TopK", function=_top_k),
    Operator(name="CumSum", function=_running(torch.cumsum, 0)),
    Operator(name="CumProd", function=_running(torch.cumprod, 1)),
)
