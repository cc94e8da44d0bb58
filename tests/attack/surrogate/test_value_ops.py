"""Arithmetic, activations, reductions, order and products in the forms of opsets 7 to 25, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.attack.surrogate.single import compare, doubles, function_of, label, noise

X = noise(2, 3, 4)
Y = noise(3, 1, seed=1)
WILD = np.array([-np.inf, -2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 30, np.inf, np.nan], np.float32)
TIED = np.array([[3, 1, 3, 2], [0, 0, -1, -1]], np.float32)
WHOLE = np.array([-7, -4, 3, 8], np.int32)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def single(value: float) -> Any:
    return np.array(value, np.float32)


Form = tuple[str, int, list[Any], dict[str, Any]]

ARITHMETIC: tuple[Form, ...] = (
    ("Add", 7, [X, Y], {}),
    ("Sub", 13, [X, Y], {}),
    ("Mul", 7, [WHOLE, WHOLE], {}),
    ("Div", 7, [WHOLE, np.array([2, -3, -2, 5], np.int32)], {}),
    ("Div", 14, [X, Y], {}),
    ("Pow", 7, [X, single(2)], {}),
    ("Pow", 7, [np.abs(X), Y], {}),
    ("Pow", 12, [X, np.array(3, np.int64)], {}),
    ("Pow", 13, [WHOLE, np.array([2, 3, 0, 1], np.int32)], {}),
    ("Pow", 15, [np.array([2, 9], np.int64), np.array([-0.5, 1.5], np.float32)], {}),
    ("Mod", 10, [WHOLE, np.array([3, -3, -2, 5], np.int32)], {}),
    ("Mod", 13, [X, Y], {"fmod": 1}),
    ("Min", 8, [X, Y, -X], {}),
    ("Max", 12, [WHOLE, -WHOLE], {}),
    ("Max", 13, [WILD, WILD[::-1].copy()], {}),
    ("Sum", 8, [X, Y, X], {}),
    ("Mean", 13, [X, Y], {}),
    ("Clip", 7, [WILD], {"min": -1.0, "max": 1.0}),
    ("Clip", 7, [X], {"max": 0.25}),
    ("Clip", 10, [X], {"min": 0.25}),
    ("Clip", 11, [X, single(-0.5)], {}),
    ("Clip", 12, [WHOLE.astype(np.int8), None, np.array(5, np.int8)], {}),
    ("Clip", 13, [X, single(0.5), single(-0.5)], {}),
    ("Clip", 13, [X], {}),
    ("Round", 11, [WILD], {}),
    ("Floor", 7, [WILD], {}),
    ("Ceil", 13, [WILD], {}),
    ("Sign", 9, [WILD[:-1]], {}),
    ("Sign", 13, [WHOLE], {}),
    ("Reciprocal", 7, [X], {}),
    ("Erf", 9, [WILD], {}),
    ("IsNaN", 9, [WILD], {}),
    ("IsInf", 10, [WILD], {}),
    ("IsInf", 10, [WILD], {"detect_negative": 0}),
    ("IsInf", 20, [WILD], {"detect_positive": 0}),
    ("Equal", 7, [WHOLE, np.array([-7, 0, 3, 1], np.int32)], {}),
    ("Less", 9, [X, Y], {}),
    ("GreaterOrEqual", 12, [TIED, TIED.T[:1].T.copy()], {}),
    ("And", 7, [X > 0, Y > 0], {}),
    ("BitShift", 11, [np.array([255, 3], np.uint8), np.array([1, 7], np.uint8)], {"direction": "LEFT"}),
)
ACTIVATIONS: tuple[Form, ...] = (
    ("Relu", 7, [WILD], {}),
    ("LeakyRelu", 7, [X], {}),
    ("LeakyRelu", 16, [X], {"alpha": 0.3}),
    ("PRelu", 7, [X, noise(3, 1)], {}),
    ("PRelu", 9, [X, noise(4)], {}),
    ("PRelu", 16, [X, noise(1)], {}),
    ("Elu", 7, [X], {"alpha": 0.7}),
    ("Celu", 12, [X], {"alpha": 2.0}),
    ("Selu", 7, [X], {}),
    ("Selu", 22, [X], {"alpha": 1.1, "gamma": 3.0}),
    ("Sigmoid", 7, [WILD], {}),
    ("HardSigmoid", 7, [WILD[:-1]], {}),
    ("HardSigmoid", 22, [X], {"alpha": 1 / 6, "beta": 0.5}),
    ("HardSwish", 14, [3 * X], {}),
    ("Mish", 18, [3 * X], {}),
    ("Softplus", 7, [30 * X], {}),
    ("Softsign", 7, [X], {}),
    ("Tanh", 13, [X], {}),
    ("ThresholdedRelu", 10, [WILD[:-1]], {}),
    ("Shrink", 9, [X], {"bias": 0.2}),
    ("Shrink", 9, [X], {"lambd": 0.7, "bias": -0.1}),
    ("Gelu", 20, [3 * X], {}),
    ("Gelu", 20, [3 * X], {"approximate": "tanh"}),
    ("Softmax", 7, [X], {}),
    ("LogSoftmax", 11, [X], {"axis": 0}),
    ("Hardmax", 7, [TIED], {}),
    ("Softmax", 12, [X], {"axis": -1}),
    ("Softmax", 11, [X], {"axis": -2}),
    ("Softmax", 13, [X], {}),
    ("LogSoftmax", 13, [X], {"axis": 1}),
    ("Hardmax", 13, [TIED], {"axis": 0}),
)
REDUCTIONS: tuple[Form, ...] = (
    *(
        (f"Reduce{name}", opset, [np.abs(X) + 0.1], attributes)
        for name in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
        for opset, attributes in ((7, {}), (7, {"axes": [1], "keepdims": 0}), (12, {"axes": [-1, 0]}))
    ),
    *(
        (f"Reduce{name}", 18, [np.abs(X) + 0.1, ints(-1, 0)], {"keepdims": keep})
        for name in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
        for keep in (0, 1)
    ),
    ("ReduceSum", 13, [X, ints(1)], {"keepdims": 0}),
    ("ReduceSum", 13, [X], {"noop_with_empty_axes": 1}),
    ("ReduceSum", 13, [X, ints()], {"noop_with_empty_axes": 0}),
    ("ReduceMean", 18, [X], {"noop_with_empty_axes": 1}),
    ("ReduceMean", 11, [WHOLE], {}),
    ("ReduceMax", 18, [single(3)], {}),
    ("ReduceMax", 12, [WHOLE.astype(np.int8)], {"axes": [0]}),
)
ORDER: tuple[Form, ...] = (
    ("ArgMax", 7, [TIED], {}),
    ("ArgMax", 11, [TIED], {"axis": -1, "keepdims": 0}),
    ("ArgMin", 12, [TIED], {"axis": 1, "select_last_index": 1}),
    ("ArgMax", 13, [TIED], {"axis": -2, "select_last_index": 1, "keepdims": 0}),
    ("CumSum", 11, [X, np.array(1, np.int32)], {"exclusive": 1, "reverse": 1}),
    ("CumSum", 14, [X, np.array(-1, np.int64)], {"exclusive": 1}),
)
PRODUCTS: tuple[Form, ...] = (
    ("MatMul", 7, [noise(4), noise(4, 2)], {}),
    ("MatMul", 9, [noise(2, 1, 3, 4), noise(3, 4, 2)], {}),
    ("Gemm", 7, [noise(2, 3), noise(3, 4), noise(4)], {}),
    ("Gemm", 9, [noise(3, 2), noise(4, 3), noise(2, 1)], {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Gemm", 11, [noise(2, 3), noise(4, 3)], {"transB": 1}),
    ("Gemm", 13, [noise(2, 3), noise(3, 4), single(2)], {"beta": 0.25}),
    ("Einsum", 12, [noise(2, 3, 4), noise(2, 4, 5)], {"equation": "b i j, b j k -> b i k"}),
    ("Einsum", 12, [noise(3, 3)], {"equation": "ii"}),
    ("Einsum", 12, [noise(2, 3, 4), noise(4)], {"equation": "...j,j"}),
    ("Det", 11, [noise(2, 3, 3)], {}),
)


@pytest.mark.parametrize(
    ("operator", "opset", "inputs", "attributes"),
    [*ARITHMETIC, *ACTIVATIONS, *REDUCTIONS, *ORDER, *PRODUCTS],
    ids=label,
)
def test_each_form_is_computed_as_onnxruntime_does(
    operator: str, opset: int, inputs: list[Any], attributes: dict[str, Any]
) -> None:
    compare(operator, inputs, opset=opset, **attributes)


@pytest.mark.parametrize(
    ("opset", "inputs", "attributes"),
    [
        (7, [noise(2, 500).round()], {"k": 99}),
        (7, [TIED], {"k": 3}),
        (10, [TIED, ints(2)], {"axis": 0}),
        (11, [TIED, ints(3)], {"largest": 0}),
        (24, [X, ints(2)], {"axis": -2}),
    ],
)
def test_the_first_of_equal_values_comes_first_among_the_greatest(
    opset: int, inputs: list[Any], attributes: dict[str, Any]
) -> None:
    compare("TopK", inputs, opset=opset, outputs=2, **attributes)


def test_a_softmax_before_opset_13_spans_all_axes_from_its_own_on() -> None:
    x = torch.from_numpy(X)

    old = function_of("Softmax", opset=12, axis=1)(x)
    new = function_of("Softmax", opset=13, axis=1)(x)

    assert torch.allclose(old.sum((1, 2)), torch.ones(2))
    assert torch.allclose(new.sum(1), torch.ones(2, 4))


def test_a_prelu_before_opset_7_has_a_slope_for_each_channel() -> None:
    x, slope = -torch.ones(1, 3, 2, 2), torch.tensor([1.0, 2.0, 3.0])

    found = function_of("PRelu", opset=6)(x, slope)

    assert torch.equal(found[0, :, 0, 0], -slope)


def slope_at(operator: str, *points: float, **attributes: Any) -> list[float]:
    x = torch.tensor(points, requires_grad=True)
    (gradient,) = torch.autograd.grad(function_of(operator, **attributes)(x).sum(), x)
    return [float(value) for value in gradient]


def test_rounding_passes_the_gradient_on() -> None:
    for operator in ("Floor", "Ceil", "Round"):
        assert slope_at(operator, -1.7, 0.5, 2.2) == [1, 1, 1]


def test_the_sign_passes_the_gradient_on_between_minus_1_and_1() -> None:
    assert slope_at("Sign", -1.5, -0.5, 0.5, 1.5) == [0, 1, 1, 0]


def test_a_clip_passes_the_gradient_on_between_its_limits_both_included() -> None:
    assert slope_at("Clip", -0.1, 0.0, 0.5, 1.0, 1.1, opset=7, min=0.0, max=1.0) == [0, 1, 1, 1, 0]


def test_the_norm_of_zeros_has_a_gradient_without_nan() -> None:
    assert slope_at("ReduceL2", 0.0, 0.0) == [0, 0]


def test_unsigned_numbers_wrap_in_their_own_type() -> None:
    few, many = torch.tensor([1, 9], dtype=torch.uint16), torch.tensor([2, 65535], dtype=torch.uint16)

    found = function_of("Sub")(few, many)

    assert found.dtype == torch.uint16
    assert found.tolist() == [65535, 10]
    assert function_of("Less")(few, many).tolist() == [True, True]


DIFFERENTIABLE: tuple[tuple[str, int, dict[str, Any]], ...] = (
    *((form[0], 1, form[3]) for form in ACTIVATIONS if form[1] > 12 and form[0] not in {"PRelu", "Hardmax"}),
    *((f"Reduce{name}", 1, {"axes": [0, 2]}) for name in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2")),
    *((f"Reduce{name}", 1, {"axes": [1], "keepdims": 0}) for name in ("LogSumExp", "SumSquare")),
    *((name, 1, {}) for name in ("Abs", "Neg", "Exp", "Erf", "Sin", "Cos", "Tanh", "Atan", "Asinh", "Reciprocal")),
    *((name, 2, {}) for name in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean", "PRelu")),
    ("Einsum", 2, {"equation": "bij,bij->bj"}),
    ("Celu", 1, {}),
)


@pytest.mark.parametrize(("operator", "count", "attributes"), DIFFERENTIABLE, ids=label)
def test_gradients_are_those_of_finite_differences(operator: str, count: int, attributes: dict[str, Any]) -> None:
    function = function_of(operator, opset=13, **attributes)

    assert torch.autograd.gradcheck(function, tuple(doubles(2, 3, 4, seed=seed) for seed in range(count)))
