"""Shapes, pieces, indices and constants in every form that opsets 7 to 25 give them, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from misread.attack.surrogate.node import UnsupportedOperator
from tests.attack.surrogate.single import compare, doubles, function_of, label, noise

X = noise(2, 3, 4)
Y = noise(2, 3, 4, seed=1)
SIDE = noise(1, 3, 1, 4)
FAR, NEAR = 2**63 - 1, -(2**63)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def yes(*values: bool) -> Any:
    return np.array(values, np.bool_)


FORMS: tuple[tuple[str, int, list[Any], dict[str, Any]], ...] = (
    ("Squeeze", 7, [SIDE], {"axes": [0, 2]}),
    ("Squeeze", 7, [SIDE], {}),
    ("Squeeze", 11, [SIDE], {"axes": [-2]}),
    ("Squeeze", 13, [SIDE, ints(-2, 0)], {}),
    ("Squeeze", 13, [SIDE], {}),
    ("Squeeze", 25, [SIDE, ints(2)], {}),
    ("Unsqueeze", 7, [X], {"axes": [0, 3]}),
    ("Unsqueeze", 11, [X], {"axes": [-1, 0]}),
    ("Unsqueeze", 13, [X, ints(4, -5)], {}),
    ("Flatten", 7, [X], {}),
    ("Flatten", 7, [X], {"axis": 0}),
    ("Flatten", 9, [X], {"axis": 3}),
    ("Flatten", 11, [X], {"axis": -1}),
    ("Reshape", 7, [X, ints(0, -1)], {}),
    ("Reshape", 13, [X, ints(4, 0, 2)], {}),
    ("Reshape", 14, [noise(0, 3), ints(3, 0)], {"allowzero": 1}),
    ("Reshape", 14, [noise(1), ints()], {}),
    ("Transpose", 7, [X], {}),
    ("Transpose", 21, [X], {"perm": [1, 2, 0]}),
    ("Concat", 7, [X, Y], {"axis": 1}),
    ("Concat", 11, [X, Y, X], {"axis": -1}),
    ("Expand", 8, [SIDE, ints(2, 1, 5, 1)], {}),
    ("Expand", 13, [noise(3, 1), ints(2, 3, 4)], {}),
    ("Tile", 7, [X, ints(1, 2, 3)], {}),
    ("Tile", 13, [X, ints(2, 1, 0)], {}),
    ("Identity", 16, [X], {}),
    ("Shape", 7, [X], {}),
    ("Shape", 15, [X], {"start": 1}),
    ("Shape", 19, [X], {"start": -2, "end": -1}),
    ("Size", 13, [X], {}),
    ("Slice", 7, [X], {"starts": [1, -3], "ends": [FAR, -1], "axes": [1, 2]}),
    ("Slice", 9, [X], {"starts": [0, 1], "ends": [1, 2]}),
    ("Slice", 10, [X, ints(1, 0), ints(3, 4)], {}),
    ("Slice", 10, [X, ints(3), ints(-FAR), ints(2), ints(-2)], {}),
    ("Slice", 11, [X, ints(-1), ints(NEAR), ints(-2), ints(-1)], {}),
    ("Slice", 13, [X, ints(9), ints(1), ints(2), ints(-1)], {}),
    ("Slice", 13, [X, ints(3, 0), ints(1, FAR), ints(2, 0), ints(1, 1)], {}),
    ("Pad", 7, [X], {"pads": [0, 1, 2, 1, 0, 3], "value": 1.5}),
    ("Pad", 7, [X], {"pads": [0, 1, 2, 0, 2, 3], "mode": "reflect"}),
    ("Pad", 10, [X], {"pads": [1, 0, 2, 0, 2, 5], "mode": "edge"}),
    ("Pad", 10, [X], {"pads": [0, -1, 2, 0, 2, -1]}),
    ("Pad", 11, [X, ints(0, 1, 2, 1, 0, 3), np.array(-2, np.float32)], {}),
    ("Pad", 13, [X, ints(0, 1, 2, 1, 0, 3)], {"mode": "constant"}),
    ("Pad", 13, [X.astype(np.int64), ints(0, 0, 1, 0, 0, 0), np.array(7, np.int64)], {}),
    ("Pad", 18, [X, ints(1, 2, 3, 0), np.array(3, np.float32), ints(-1, 1)], {}),
    ("Pad", 18, [X, ints(2, 1), None, ints(2)], {"mode": "reflect"}),
    ("Pad", 19, [X, ints(0, 1, 3, 0, 2, 2)], {"mode": "wrap"}),
    ("Pad", 21, [X, ints(0, 1, -1, 0, 2, -1)], {"mode": "edge"}),
    ("Gather", 7, [X, ints(2, 0)], {"axis": 1}),
    ("Gather", 11, [X, np.array([[0, -1], [1, 1]], np.int32)], {"axis": -1}),
    ("Gather", 13, [X, np.array(-1, np.int64)], {}),
    ("GatherElements", 11, [X, np.array([[[0, -1, 1, 2]]], np.int64)], {"axis": 1}),
    ("GatherND", 11, [X, np.array([[1, 2], [-1, -3]], np.int64)], {}),
    ("GatherND", 12, [X, np.array([[1, 2], [-3, 0]], np.int64)], {"batch_dims": 1}),
    ("Scatter", 9, [X, np.array([[[0], [1], [0]]], np.int64), noise(1, 3, 1)], {"axis": 2}),
    ("ScatterElements", 11, [X, np.array([[[0], [-1], [1]]], np.int64), noise(1, 3, 1)], {"axis": -1}),
    ("ScatterElements", 16, [X, np.array([[[0, 0, 1, 1]]], np.int64), noise(1, 1, 4)], {"axis": 1, "reduction": "add"}),
    ("ScatterElements", 18, [X, np.array([[[0, 0, 1, 1]]], np.int64), noise(1, 1, 4)], {"axis": 1, "reduction": "max"}),
    ("ScatterND", 11, [X, np.array([[1, 2], [0, -1]], np.int64), noise(2, 4)], {}),
    ("ScatterND", 16, [X, np.array([[1], [1]], np.int64), noise(2, 3, 4)], {"reduction": "mul"}),
    ("ScatterND", 18, [X, np.array([[[1, 1, 1]], [[1, 1, -3]]], np.int64), noise(2, 1)], {"reduction": "min"}),
    ("OneHot", 9, [ints(0, 2, -1, 7), np.array(3, np.int64), np.array([0, 5], np.float32)], {}),
    ("OneHot", 11, [ints(0, 2, -1, -9), ints(3), np.array([1, 0], np.float32)], {"axis": 0}),
    ("OneHot", 11, [np.array([[0, 1]], np.float32), np.array(2.0, np.float32), noise(2)], {"axis": -2}),
    ("NonZero", 9, [np.array([[0, 1], [2, 0]], np.float32)], {}),
    ("NonZero", 13, [np.array(3, np.int64)], {}),
    ("Compress", 9, [X, yes(False, True)], {"axis": 1}),
    ("Compress", 11, [X, yes(True, False, True)], {}),
    ("Compress", 11, [X, yes(True, False, True)], {"axis": -2}),
    ("Trilu", 14, [X], {"upper": 0}),
    ("Trilu", 14, [X, np.array(1, np.int64)], {}),
    ("Where", 9, [X > 0, X, noise(3, 1)], {}),
    ("ConstantOfShape", 9, [ints(2, 0, 3)], {}),
    ("Range", 11, [np.array(v, np.float32) for v in (1, 2.05, 0.1)], {}),
    ("Range", 11, [np.array(v, np.int64) for v in (7, -2, -3)], {}),
    ("Range", 11, [np.array(v, np.int64) for v in (7, 9, -3)], {}),
    ("EyeLike", 9, [noise(2, 5)], {"k": -1}),
    ("EyeLike", 22, [noise(4, 3)], {"k": 2, "dtype": 7}),
    ("Dropout", 7, [X], {"ratio": 0.3}),
    ("Dropout", 12, [X, np.array(0.5, np.float32)], {}),
    ("Dropout", 13, [X, np.array(0.5, np.float32), np.array(False)], {}),
    ("Col2Im", 18, [noise(2, 12, 6), ints(3, 5), ints(2, 2)], {"strides": [2, 2], "pads": [0, 1, 1, 0]}),
    ("Col2Im", 18, [noise(1, 8, 4), ints(4, 4), ints(2, 2)], {"dilations": [2, 2]}),
)
"""Operator, opset, inputs, attributes."""


@pytest.mark.parametrize(("operator", "opset", "inputs", "attributes"), FORMS, ids=label)
def test_each_form_is_computed_as_onnxruntime_does(
    operator: str, opset: int, inputs: list[Any], attributes: dict[str, Any]
) -> None:
    compare(operator, inputs, opset=opset, **attributes)


@pytest.mark.parametrize(
    ("opset", "inputs", "attributes", "outputs"),
    [
        (7, [noise(2, 6)], {"axis": 1}, 3),
        (7, [noise(2, 6)], {"axis": 1, "split": [1, 5]}, 2),
        (11, [noise(2, 6)], {"axis": -1, "split": [4, 2]}, 2),
        (13, [noise(2, 6), ints(0, 6)], {"axis": 1}, 2),
        (13, [noise(2, 6)], {}, 2),
        (18, [noise(2, 7)], {"axis": 1, "num_outputs": 3}, 3),
        (18, [noise(2, 7), ints(5, 2)], {"axis": -1}, 2),
    ],
)
def test_a_split_is_the_same_whichever_way_its_sizes_are_given(
    opset: int, inputs: list[Any], attributes: dict[str, Any], outputs: int
) -> None:
    compare("Split", inputs, opset=opset, outputs=outputs, **attributes)


@pytest.mark.parametrize("opset", [7, 10, 12, 22])
def test_the_mask_of_a_dropout_that_drops_nothing_is_true_since_opset_12(opset: int) -> None:
    compare("Dropout", [X], opset=opset, outputs=2)


@pytest.mark.parametrize("shape", [(1, 3, 1), (3, 1)])
def test_a_scalar_is_gathered_from_and_squeezed_to(shape: tuple[int, ...]) -> None:
    compare("Gather", [noise(3), np.array(1, np.int64)], opset=13)
    compare("Squeeze", [noise(1, 1)], opset=13)
    compare("Flatten", [np.array(2, np.float32)], opset=13, axis=0)
    compare("Expand", [np.array(2, np.float32), ints(*shape)], opset=13)


@pytest.mark.parametrize("name", ["value_float", "value_floats", "value_int", "value_ints"])
def test_a_constant_has_the_type_of_its_attribute(name: str) -> None:
    numbers: dict[str, Any] = {"value_float": 1.5, "value_floats": [1.5], "value_int": 3, "value_ints": [3, 4]}

    compare("Constant", [], opset=13, **{name: numbers[name]})


def refused(operator: str, *inputs: torch.Tensor, opset: int = 21, **attributes: Any) -> str:
    with pytest.raises(UnsupportedOperator) as caught:
        function_of(operator, opset=opset, **attributes)(*inputs)
    return str(caught.value)


def test_a_form_that_gradients_do_not_fit_is_refused_by_name() -> None:
    x, one = torch.ones(2, 3), torch.zeros(1, 1, dtype=torch.int64)

    assert "training_mode" in refused("Dropout", x, torch.tensor(0.5), torch.tensor(True))
    assert "mode 'mirror'" in refused("Pad", x, torch.tensor([1, 0, 0, 0]), mode="mirror")
    assert "reduction 'mean'" in refused("ScatterElements", x, one, torch.ones(1, 1), reduction="mean")
    assert "value_string" in refused("Constant", value_string="text")
    assert "no value" in refused("Constant")


def test_a_dropout_in_training_with_ratio_0_drops_nothing() -> None:
    x = torch.ones(2, 3)

    assert torch.equal(function_of("Dropout", opset=13)(x, torch.tensor(0.0), torch.tensor(True)), x)


DIFFERENTIABLE: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
    ("Slice", [ints(3), ints(-9), ints(2), ints(-2)], {}),
    ("Pad", [ints(0, 1, 2, 0, 2, 3)], {"mode": "reflect"}),
    ("Pad", [ints(0, 1, 2, 0, -1, 3)], {}),
    ("Tile", [ints(1, 2, 1)], {}),
    ("Expand", [ints(2, 1, 3, 4)], {}),
    ("Gather", [ints(0, 0, -1)], {"axis": 1}),
    ("GatherElements", [np.array([[[0, -1, 0, 2]]], np.int64)], {"axis": 1}),
    ("GatherND", [np.array([[1, 2], [1, 2]], np.int64)], {}),
    ("Trilu", [], {"upper": 0}),
    ("Compress", [yes(True, False, True)], {"axis": 1}),
    ("Col2Im", [ints(2, 3), ints(1, 3)], {"pads": [1, 0, 1, 0]}),
)


@pytest.mark.parametrize(("operator", "others", "attributes"), DIFFERENTIABLE, ids=label)
def test_gradients_reach_the_values_that_are_moved(
    operator: str, others: list[Any], attributes: dict[str, Any]
) -> None:
    tensors = [torch.from_numpy(value) for value in others]
    function = function_of(operator, opset=21, **attributes)

    assert torch.autograd.gradcheck(lambda x: function(x, *tensors), doubles(2, 3, 4))


def test_gradients_reach_both_the_values_and_the_updates_of_a_scatter() -> None:
    places = torch.tensor([[1], [0]])
    for reduction in ("none", "add", "mul", "max"):
        function = function_of("ScatterND", opset=18, reduction=reduction)

        assert torch.autograd.gradcheck(
            lambda x, u, f=function: f(x, places, u), (doubles(2, 3), doubles(2, 3, seed=1))
        )
