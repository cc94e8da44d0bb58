"""Arithmetic on two or more tensors, which broadcast as in numpy."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.plain import plain

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _divide(left: Tensor, right: Tensor) -> Tensor:
    """Divide; whole numbers towards zero."""
    whole = not (left.is_floating_point() or right.is_floating_point())
    return torch.div(left, right, rounding_mode="trunc" if whole else None)


def _power(base: Tensor, exponent: Tensor) -> Tensor:
    """Raise to a power; the result has the base's type, whatever the exponent's."""
    if not base.is_floating_point():
        exact = torch.float64 if exponent.is_floating_point() else torch.int64
        return torch.pow(base.to(exact), exponent.to(exact)).to(base.dtype)
    if exponent.numel() == 1 and exponent.dim() <= base.dim():
        return torch.pow(base, exponent.item())  # squares and roots have their own fast forms
    return torch.pow(base, exponent.to(base.dtype))


def _modulo(node: Node, left: Tensor, right: Tensor) -> Tensor:
    """Return the remainder: with the divisor's sign, or with the dividend's where `fmod` is set."""
    return plain(torch.fmod if node.get("fmod", 0) else torch.remainder)(node, left, right)  # type: ignore[return-value]


def _sum(*values: Tensor) -> Tensor:
    """Add any number of tensors."""
    return reduce(torch.add, values)


def _mean(*values: Tensor) -> Tensor:
    """Return the mean of any number of tensors."""
    return _sum(*values) / len(values)


def _minimum(*values: Tensor) -> Tensor:
    """Return the least of any number of tensors."""
    return reduce(torch.minimum, values)


def _maximum(*values: Tensor) -> Tensor:
    """Return the greatest of any number of tensors."""
    return reduce(torch.maximum, values)


ARITHMETIC: Final[tuple[Operator, ...]] = (
    Operator(name="Add", function=plain(torch.add)),
    Operator(name="Sub", function=plain(torch.sub)),
    Operator(name="Mul", function=plain(torch.mul)),
    Operator(name="Div", function=plain(_divide)),
    Operator(name="Pow", function=plain(_power)),
    Operator(name="Mod", function=_modulo),
    Operator(name="Sum", function=plain(_sum)),
    Operator(name="Mean", function=plain(_mean)),
    Operator(name="Min", function=plain(_minimum)),
    Operator(name="Max", function=plain(_maximum)),
)
