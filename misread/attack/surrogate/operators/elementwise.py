"""Functions of each value on its own: roots, exponentials, angles, rounding, and Clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from misread.attack.surrogate.node import Operator, straight_through
from misread.attack.surrogate.operators.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node


def _stepped(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a rounding whose gradient is 1."""

    def run(values: Tensor) -> Tensor:
        return straight_through(function(values), values)

    return run


def _sign(values: Tensor) -> Tensor:
    """Return the sign; the gradient is 1 within [-1, 1], as binarised networks are trained (arXiv:1602.02830)."""
    if not values.is_floating_point():
        return values.sign()
    return straight_through(values.sign(), values.clamp(-1, 1))


def _clip(node: Node, values: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Limit to [low, high]: attributes before opset 11, inputs since. The upper limit wins where they cross."""
    least = node.get("min", None) if low is None else low.item()
    most = node.get("max", None) if high is None else high.item()
    if least is None and most is None:
        return values
    return plain(lambda wide: wide.clamp(least, most))(node, values)  # type: ignore[return-value]


def _is_infinite(node: Node, values: Tensor) -> Tensor:
    """Say which values are infinite, of the signs asked for."""
    positive = values.isposinf() if node.get("detect_positive", 1) else torch.zeros_like(values, dtype=torch.bool)
    return positive | values.isneginf() if node.get("detect_negative", 1) else positive


ELEMENTWISE: Final[tuple[Operator, ...]] = (
    Operator(name="Abs", function=plain(torch.abs)),
    Operator(name="Neg", function=plain(torch.neg)),
    Operator(name="Sign", function=plain(_sign)),
    Operator(name="Sqrt", function=plain(torch.sqrt)),
    Operator(name="Reciprocal", function=plain(torch.reciprocal)),
    Operator(name="Exp", function=plain(torch.exp)),
    Operator(name="Log", function=plain(torch.log)),
    Operator(name="Erf", function=plain(torch.erf)),
    Operator(name="Floor", function=plain(_stepped(torch.floor))),
    Operator(name="Ceil", function=plain(_stepped(torch.ceil))),
    Operator(name="Round", function=plain(_stepped(torch.round))),
    Operator(name="Sin", function=plain(torch.sin)),
    Operator(name="Cos", function=plain(torch.cos)),
    Operator(name="Tan", function=plain(torch.tan)),
    Operator(name="Asin", function=plain(torch.asin)),
    Operator(name="Acos", function=plain(torch.acos)),
    Operator(name="Atan", function=plain(torch.atan)),
    Operator(name="Sinh", function=plain(torch.sinh)),
    Operator(name="Cosh", function=plain(torch.cosh)),
    Operator(name="Asinh", function=plain(torch.asinh)),
    Operator(name="Acosh", function=plain(torch.acosh)),
    Operator(name="Atanh", function=plain(torch.atanh)),
    Operator(name="Clip", function=_clip),
    Operator(name="IsInf", function=_is_infinite),
    Operator(name="IsNaN", function=plain(torch.isnan)),
)
