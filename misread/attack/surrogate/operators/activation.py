"""Activations, and the softmax family with the two meanings of its axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from misread.attack.surrogate.node import Operator
from misread.attack.surrogate.operators.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.surrogate.node import Node, OperatorFunction

SELU_ALPHA: Final = 1.67326319217681884765625
SELU_GAMMA: Final = 1.05070102214813232421875


def _leaky_relu(node: Node, values: Tensor) -> Tensor:
    return functional.leaky_relu(values, node.get("alpha", 0.01))


def _prelu(node: Node, values: Tensor, slope: Tensor) -> Tensor:
    """Multiply what is negative by a slope, which broadcasts; before opset 7 a vector has a slope for each channel."""
    if node.opset < 7 and slope.dim() == 1 and values.dim() > 2:
        slope = slope.reshape(-1, *[1] * (values.dim() - 2))
    return torch.where(values < 0, values * slope, values)


def _elu(node: Node, values: Tensor) -> Tensor:
    return functional.elu(values, node.get("alpha", 1.0))


def _celu(node: Node, values: Tensor) -> Tensor:
    return functional.celu(values, node.get("alpha", 1.0))


def _selu(node: Node, values: Tensor) -> Tensor:
    return functional.elu(values, node.get("alpha", SELU_ALPHA)) * node.get("gamma", SELU_GAMMA)


def _hard_sigmoid(node: Node, values: Tensor) -> Tensor:
    return (values * node.get("alpha", 0.2) + node.get("beta", 0.5)).clamp(0, 1)


def _thresholded_relu(node: Node, values: Tensor) -> Tensor:
    return torch.where(values > node.get("alpha", 1.0), values, 0)


def _shrink(node: Node, values: Tensor) -> Tensor:
    """Pull values beyond `lambd` towards zero by `bias`, and make zero of the others."""
    bias, limit = node.get("bias", 0.0), node.get("lambd", 0.5)
    shrunk = torch.where(values > limit, values - bias, 0)
    return torch.where(values < -limit, values + bias, shrunk).to(values.dtype)


def _gelu(node: Node, values: Tensor) -> Tensor:
    return functional.gelu(values, approximate=node.get("approximate", "none"))


def _swish(node: Node, values: Tensor) -> Tensor:
    return values * torch.sigmoid(values * node.get("alpha", 1.0))


def _swiglu(node: Node, gate: Tensor, values: Tensor) -> Tensor:
    return _swish(node, gate) * values


def _hardmax(values: Tensor, axis: int) -> Tensor:
    """Return 1 at the first maximum along the axis and 0 elsewhere; it has no gradient."""
    return torch.zeros_like(values).scatter(axis, values.argmax(axis, keepdim=True), 1.0)


def _along_axis(function: Callable[[Tensor, int], Tensor]) -> OperatorFunction:
    """Return a softmax of sorts: along one axis, or before opset 13 over all axes from that one on."""

    def run(node: Node, values: Tensor) -> Tensor:
        if node.opset >= 13:
            return function(values, node.get("axis", -1))
        axis = node.get("axis", 1)
        axis += values.dim() if axis < 0 else 0
        return function(values.flatten(axis), axis).reshape(values.shape)

    return run


ACTIVATION: Final[tuple[Operator, ...]] = (
    Operator(name="Relu", function=plain(torch.relu)),
    Operator(name="LeakyRelu", function=_leaky_relu),
    Operator(name="PRelu", function=_prelu),
    Operator(name="Elu", function=_elu),
    Operator(name="Celu", function=_celu),
    Operator(name="Selu", function=_selu),
    Operator(name="Sigmoid", function=plain(torch.sigmoid)),
    Operator(name="HardSigmoid", function=_hard_sigmoid),
    Operator(name="HardSwish", function=plain(functional.hardswish)),
    Operator(name="Mish", function=plain(functional.mish)),
    Operator(name="Softplus", function=plain(functional.softplus)),
    Operator(name="Softsign", function=plain(functional.softsign)),
    Operator(name="Tanh", function=plain(torch.tanh)),
    Operator(name="ThresholdedRelu", function=_thresholded_relu),
    Operator(name="Shrink", function=_shrink),
    Operator(name="Gelu", function=_gelu),
    Operator(name="Swish", function=_swish),
    Operator(name="SwiGLU", function=_swiglu),
    Operator(name="Softmax", function=_along_axis(torch.softmax)),
    Operator(name="LogSoftmax", function=_along_axis(torch.log_softmax)),
    Operator(name="Hardmax", function=_along_axis(_hardmax)),
)
