"""Reductions over axes, which are an attribute in old files and an input in new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction

    Reduction = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _reduction(function: Reduction) -> OperatorFunction:
    """Return the operator that reduces by `function`, which is given the axes, never none, and whether to keep them."""

    def run(node: Node, values: Tensor, axes: Tensor | None = None) -> Tensor:
        chosen = node.get("axes", []) if axes is None else axes.tolist()
        if not chosen and node.get("noop_with_empty_axes", 0):
            return function(values.unsqueeze(-1), (values.dim(),), False)  # noqa: FBT003  each value on its own
        every = tuple(sorted(axis % values.dim() for axis in chosen)) or tuple(range(values.dim()))
        if not every:  # a scalar has no axis: one is lent
            return function(values.unsqueeze(0), (0,), False)  # noqa: FBT003
        return function(values, every, bool(node.get("keepdims", 1)))

    return run


def _sum(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    return values.sum(axes, keepdim=keep, dtype=values.dtype)


def _mean(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    """Return the mean; of whole numbers, cut off towards zero."""
    exact = values if values.is_floating_point() else values.double()
    return exact.mean(axes, keepdim=keep).to(values.dtype)


def _extreme(name: str, worst: float) -> Reduction:
    """Return amax or amin; of nothing, the value that any other beats."""

    def run(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
        if values.numel():
            found: Tensor = getattr(values, name)(axes, keepdim=keep)
            return found
        return torch.full_like(values.sum(axes, keepdim=keep), _limit(values.dtype, worst), dtype=values.dtype)

    return run


def _limit(dtype: torch.dtype, towards: float) -> float:
    """Return the type's own end in the direction of an infinity."""
    if dtype.is_floating_point or dtype == torch.bool:
        return towards if dtype.is_floating_point else towards > 0
    return torch.iinfo(dtype).max if towards > 0 else torch.iinfo(dtype).min


def _product(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    for axis in reversed(axes):
        values = values.prod(axis, keepdim=keep, dtype=values.dtype)
    return values


def _l1(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    return _sum(values.abs(), axes, keep)


def _l2(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    """Return the Euclidean norm, whose gradient at zero is zero."""
    exact = values if values.is_floating_point() else values.double()
    norm: Tensor = torch.linalg.vector_norm(exact, dim=axes, keepdim=keep)
    return norm.to(values.dtype)


def _sum_square(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    return _sum(values * values, axes, keep)


def _log_sum(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    return _sum(values, axes, keep).log().to(values.dtype)


def _log_sum_exp(values: Tensor, axes: tuple[int, ...], keep: bool) -> Tensor:  # noqa: FBT001
    exact = values if values.is_floating_point() else values.double()
    return torch.logsumexp(exact, axes, keepdim=keep).to(values.dtype)


REDUCE: Final[tuple[Operator, ...]] = (
    Operator(name="ReduceSum", function=_reduction(_sum)),
    Operator(name="ReduceMean", function=_reduction(_mean)),
    Operator(name="ReduceMax", function=_reduction(_extreme("amax", float("-inf")))),
    Operator(name="ReduceMin", function=_reduction(_extreme("amin", float("inf")))),
    Operator(name="ReduceProd", function=_reduction(_product)),
    Operator(name="ReduceL1", function=_reduction(_l1)),
    Operator(name="ReduceL2", function=_reduction(_l2)),
    Operator(name="ReduceSumSquare", function=_reduction(_sum_square)),
    Operator(name="ReduceLogSum", function=_reduction(_log_sum)),
    Operator(name="ReduceLogSumExp", function=_reduction(_log_sum_exp)),
)
