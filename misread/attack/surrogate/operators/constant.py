"""Tensors that come from no pixel: constants, ranges, the identity matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from misread.attack.surrogate.node import Operator

if TYPE_CHECKING:
    from misread.attack.surrogate.node import Node


def _constant(node: Node) -> Tensor:
    """Return the value that the file holds.

    Raises:
        UnsupportedOperator: text, or a sparse tensor.
    """
    for name, value in node.attributes.items():
        if name == "value" and isinstance(value, Tensor):
            return value
        if name in {"value_float", "value_floats"}:
            return torch.tensor(value, dtype=torch.float32)
        if name in {"value_int", "value_ints"}:
            return torch.tensor(value, dtype=torch.int64)
    raise node.refuse(" and ".join(sorted(node.attributes)) or "no value")


def _constant_of_shape(node: Node, shape: Tensor) -> Tensor:
    """Fill a shape with one value, 0 if the file names none."""
    value = node.get("value", torch.zeros(1))
    return torch.full(shape.tolist(), value.item(), dtype=value.dtype, device=shape.device)


def _range(_: Node, start: Tensor, limit: Tensor, step: Tensor) -> Tensor:
    """Count from `start` up to but not including `limit`; downwards with a negative step, and nothing the wrong way."""
    first, last, by = start.item(), limit.item(), step.item()
    if (last - first) * by <= 0:
        return start.new_empty(0)
    return torch.arange(first, last, by, dtype=start.dtype, device=start.device)


def _eye_like(node: Node, values: Tensor) -> Tensor:
    """Put ones on the `k`-th diagonal of a matrix of the input's size."""
    rows = torch.arange(values.shape[0], device=values.device).unsqueeze(1) + node.get("k", 0)
    return (rows == torch.arange(values.shape[1], device=values.device)).to(node.dtype("dtype", values.dtype))


CONSTANT: Final[tuple[Operator, ...]] = (
    Operator(name="Constant", function=_constant),
    Operator(name="ConstantOfShape", function=_constant_of_shape),
    Operator(name="Range", function=_range),
    Operator(name="EyeLike", function=_eye_like),
)
