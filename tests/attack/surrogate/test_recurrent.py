"""Recurrent layers against onnxruntime, and what of them is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.single import compare, doubles, function_of, label, noise

TIME, BATCH, WIDTH, HIDDEN = 5, 2, 3, 4
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def layer(operator: str, ways: int, *, whole: bool) -> list[Any]:
    """Return a layer's inputs: the first three, or all."""
    gates = GATES[operator] * HIDDEN
    needed = [noise(TIME, BATCH, WIDTH), noise(ways, gates, WIDTH, seed=1), noise(ways, gates, HIDDEN, seed=2)]
    state = noise(ways, BATCH, HIDDEN, seed=4)
    more = [noise(ways, 2 * gates, seed=3), np.full(BATCH, TIME, np.int32), state]
    memory = [state[::-1].copy(), noise(ways, 3 * HIDDEN, seed=5)] if operator == "LSTM" else []
    return [*needed, *more, *memory] if whole else needed


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("opset", "whole"), [(7, True), (14, False), (22, True)])
def test_each_direction_is_computed_as_onnxruntime_does(
    operator: str, direction: str, opset: int, *, whole: bool
) -> None:
    inputs = layer(operator, 2 if direction == "bidirectional" else 1, whole=whole)
    outputs = 3 if operator == "LSTM" else 2

    compare(operator, inputs, opset=opset, outputs=outputs, direction=direction, hidden_size=HIDDEN)


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("GRU", {"linear_before_reset": 1}),
        ("RNN", {"activations": ["Relu"]}),
        ("LSTM", {"activations": ["Sigmoid", "Relu", "Tanh"]}),
    ],
    ids=label,
)
def test_each_variant_is_computed_as_onnxruntime_does(operator: str, attributes: dict[str, Any]) -> None:
    inputs = layer(operator, 1, whole=True)

    compare(operator, inputs, opset=14, outputs=2, hidden_size=HIDDEN, **attributes)


def test_the_batch_may_come_first() -> None:
    inputs = [torch.from_numpy(value) for value in layer("LSTM", 2, whole=True)]
    swapped = [inputs[0].transpose(0, 1), *inputs[1:5], *(state.transpose(0, 1) for state in inputs[5:7]), inputs[7]]

    usual = function_of("LSTM", opset=14, direction="bidirectional")(*inputs)
    found = function_of("LSTM", opset=14, direction="bidirectional", layout=1)(*swapped)

    assert torch.allclose(found, usual.permute(2, 0, 1, 3))


@pytest.mark.parametrize("operator", GATES)
def test_gradients_go_back_through_time(operator: str) -> None:
    gates = GATES[operator] * HIDDEN
    into, back = doubles(1, gates, WIDTH, seed=1).detach(), doubles(1, gates, HIDDEN, seed=2).detach()

    assert torch.autograd.gradcheck(lambda x: function_of(operator)(x, into, back), doubles(TIME, BATCH, WIDTH))


@pytest.mark.parametrize(
    ("attributes", "lengths", "why"),
    [
        ({"clip": 1.0}, None, "attribute clip"),
        ({"activations": ["Affine"]}, None, "activation 'Affine'"),
        ({}, torch.tensor([5, 3]), "lengths [5, 3] in 5 steps"),
    ],
    ids=["clip", "activation", "lengths"],
)
def test_what_no_classifier_has_is_refused_by_name(
    attributes: dict[str, Any], lengths: torch.Tensor | None, why: str
) -> None:
    inputs = [torch.from_numpy(value) for value in layer("RNN", 1, whole=False)]

    with pytest.raises(UnsupportedOperator) as caught:
        function_of("RNN", **attributes)(*inputs, None, lengths)

    assert why in str(caught.value)
