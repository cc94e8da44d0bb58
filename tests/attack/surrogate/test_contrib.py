"""onnxruntime's own operators, number for number as onnxruntime computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from misread.attack.surrogate.node import Node, UnsupportedOperator
from misread.attack.surrogate.operators.contrib import CONTRIB, qlinear_add
from misread.attack.surrogate.operators.contrib_float import CONTRIB_FLOAT, fused_conv
from tests.attack.surrogate.graphs import one_node

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[Any]
MICROSOFT = "com.microsoft"


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def scale(value: float) -> Array:
    return np.array(value, np.float32)


def zero(value: int, *, signed: bool = False) -> Array:
    return np.array(value, np.int8 if signed else np.uint8)


def every_pair() -> tuple[Array, Array]:
    first, second = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    return first.ravel().copy(), second.ravel().copy()


def whole(*shape: int, signed: bool = False) -> Array:
    low, high, kind = (-128, 128, np.int8) if signed else (0, 256, np.uint8)
    return rng().integers(low, high, shape).astype(kind)


def real(*shape: int) -> Array:
    return rng().normal(size=shape).astype(np.float32)


def quantised(operator: str, inputs: Sequence[Array | None], **attributes: Any) -> None:
    ours, theirs = one_node(operator, inputs, domain=MICROSOFT, attributes=attributes)
    np.testing.assert_array_equal(ours[0], theirs[0].astype(np.float32))


SCALES = ((0.02, 0.031, 0.043), (0.02, 0.02, 0.04), (0.013, 0.04, 0.013), (1 / 255, 1 / 127, 2 / 255))


@pytest.mark.parametrize("operator", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("scales", SCALES)
def test_every_pair_of_bytes_gives_the_number_that_onnxruntime_gives(
    operator: str, scales: tuple[float, float, float]
) -> None:
    """Ties are in these pairs: equal scales in, twice that out."""
    first, second = every_pair()
    left, right, out = (scale(value) for value in scales)
    quantised(operator, [first, left, zero(128), second, right, zero(3), out, zero(100)])


@pytest.mark.parametrize(
    "shapes", [((5, 3, 64), (3, 1)), ((3, 1), (5, 3, 64)), ((5, 3, 64), (5, 3, 64)), ((5, 64), ())]
)
@pytest.mark.parametrize("scales", [(0.1, 0.03, 0.12), (0.03, 0.05, 0.01), (0.04, 0.02, 0.08)])
def test_addition_broadcasts_and_takes_signed_numbers(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], scales: tuple[float, float, float]
) -> None:
    """Round scales make ties, which the order of the sums decides."""
    left, right = (whole(*shape, signed=True) for shape in shapes)
    zeros = [zero(value, signed=True) for value in (-4, 5, 7)]
    first, second, out = (scale(value) for value in scales)
    quantised("QLinearAdd", [left, first, zeros[0], right, second, zeros[1], out, zeros[2]])


POOLS: list[dict[str, Any]] = [
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
]


@pytest.mark.parametrize("attributes", POOLS)
@pytest.mark.parametrize("same", [True, False])
def test_average_pools(attributes: dict[str, Any], *, same: bool) -> None:
    ends = [scale(0.05), zero(10)] if same else [scale(0.031), zero(0)]
    quantised("QLinearAveragePool", [whole(2, 3, 9, 9), scale(0.05), zero(10), *ends], **attributes)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("side", [2, 7])
def test_global_average_pools(last: int, side: int) -> None:
    values = whole(3, side, side, 64) if last else whole(3, 64, side, side)
    inputs = [values, scale(0.05), zero(10), scale(0.02), zero(4)]
    quantised("QLinearGlobalAveragePool", inputs, channels_last=last)


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(transposed: int, *, by_channel: bool) -> None:
    shape = (5, 20) if transposed else (20, 5)
    right = scale(0.01) if not by_channel else np.linspace(0.005, 0.02, 5, dtype=np.float32)
    right_zero = zero(0, signed=True) if not by_channel else np.zeros(5, np.int8)
    bias = rng().integers(-2000, 2000, 5).astype(np.int32)
    inputs = [whole(7, 20), scale(0.03), zero(100), whole(*shape, signed=True), right, right_zero, bias]
    quantised("QGemm", [*inputs, scale(0.3), zero(128)], transB=transposed)
    ours, theirs = one_node("QGemm", inputs, domain=MICROSOFT, attributes={"transB": transposed})
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)


def test_gemm_takes_the_first_factor_transposed() -> None:
    inputs = [whole(20, 7), scale(0.03), zero(100), whole(20, 5), scale(0.01), zero(7), None, scale(0.3), zero(128)]
    quantised("QGemm", inputs, transA=1)


@pytest.mark.parametrize("last", [0, 1])
def test_convolutions(last: int) -> None:
    images = whole(2, 6, 6, 4) if last else whole(2, 4, 6, 6)
    weight = whole(8, 4, 3, 3, signed=True)
    scales = np.linspace(0.001, 0.004, 8, dtype=np.float32)
    bias = rng().integers(-2000, 2000, 8).astype(np.int32)
    inputs = [images, scale(0.02), zero(120), weight, scales, np.zeros(8, np.int8), scale(0.05), zero(7), bias]
    quantised("QLinearConv", list(inputs), channels_last=last, pads=[1, 1, 1, 1], kernel_shape=[3, 3])


def test_parts_of_other_scales_are_joined() -> None:
    first, second = whole(2, 3, 4), whole(2, 5, 4)
    inputs = [scale(0.04), zero(9), first, scale(0.03), zero(0), second, scale(0.05), zero(200)]
    ours, theirs = joined(inputs)
    np.testing.assert_array_equal(ours, theirs)


def joined(inputs: list[Array]) -> tuple[Array, Array]:
    ours, theirs = one_node("QLinearConcat", list(inputs), domain=MICROSOFT, attributes={"axis": 1})
    return ours[0], theirs[0].astype(np.float32)


def test_choosing_between_two_scales() -> None:
    condition = rng().random((3, 4)) < 0.5
    inputs = [condition, whole(3, 4), scale(0.03), zero(3), whole(3, 4), scale(0.05), zero(9), scale(0.04), zero(5)]
    quantised("QLinearWhere", list(inputs))


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.1})],
)
def test_functions_of_each_byte(operator: str, attributes: dict[str, Any]) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    out = scale(1 / 256) if operator == "QLinearSigmoid" else scale(0.041)
    quantised(operator, [values, scale(0.05), zero(128), out, zero(0)], **attributes)


@pytest.mark.parametrize("opset", [11, 13])
def test_softmax_is_within_one_step(opset: int) -> None:
    """A table of exponentials is summed by onnxruntime; ours are exact."""
    inputs = [whole(4, 3, 5), scale(0.05), zero(128), scale(1 / 256), zero(0)]
    attributes = {"axis": 1 if opset == 11 else -1, "opset": opset}
    ours, theirs = one_node("QLinearSoftmax", list(inputs), domain=MICROSOFT, attributes=attributes)
    assert np.abs(ours[0] - theirs[0].astype(np.float32)).max() <= 1


def test_quantising_by_the_own_domain() -> None:
    quantised("QuantizeLinear", [real(4, 5), scale(0.02), zero(99)])
    ours, theirs = one_node("DequantizeLinear", [whole(4, 5), scale(0.02), zero(99)], domain=MICROSOFT)
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_products_that_end_in_floats() -> None:
    bias = real(5)
    inputs = [real(7, 20), whole(20, 5), scale(0.01), zero(7), bias]
    ours, theirs = one_node("DynamicQuantizeMatMul", list(inputs), domain=MICROSOFT)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-6)
    inputs = [whole(7, 20), whole(20, 5), scale(0.02), scale(0.01), zero(3), zero(7), bias]
    ours, theirs = one_node("MatMulIntegerToFloat", list(inputs), domain=MICROSOFT)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-6)


FLOATING: list[tuple[str, list[Array | None], dict[str, Any], int]] = [
    ("FusedConv", [real(2, 3, 6, 6), real(4, 3, 3, 3), real(4)], {"activation": "Relu"}, 1),
    (
        "FusedConv",
        [real(2, 3, 6, 6), real(4, 3, 3, 3), real(4)],
        {"activation": "LeakyRelu", "activation_params": [0.2]},
        1,
    ),
    (
        "FusedConv",
        [real(2, 3, 6, 6), real(4, 3, 3, 3), None],
        {"activation": "Clip", "activation_params": [-1.0, 2.0]},
        1,
    ),
    ("FusedConv", [real(2, 3, 6, 6), real(4, 3, 3, 3), real(4), real(2, 4, 4, 4)], {"activation": "Relu"}, 1),
    (
        "FusedConv",
        [real(2, 3, 6, 6), real(4, 3, 3, 3), real(4)],
        {"activation": "HardSigmoid", "activation_params": [0.3, 0.4]},
        1,
    ),
    ("FusedGemm", [real(4, 6), real(6, 5), real(5)], {"activation": "Relu", "alpha": 0.5, "beta": 2.0}, 1),
    (
        "FusedGemm",
        [real(6, 4), real(5, 6), real(5)],
        {"activation": "LeakyRelu", "activation_alpha": 0.3, "transA": 1, "transB": 1},
        1,
    ),
    ("FusedMatMul", [real(2, 4, 6), real(2, 5, 6)], {"transB": 1, "alpha": 0.125}, 1),
    ("FusedMatMul", [real(2, 6, 4), real(2, 6, 5)], {"transA": 1}, 1),
    ("FusedMatMul", [real(3, 2, 4), real(4, 2, 5)], {"transBatchA": 1, "transBatchB": 1}, 1),
    ("Gelu", [real(3, 4)], {}, 1),
    ("BiasGelu", [real(3, 4), real(4)], {}, 1),
    ("FastGelu", [real(3, 4), real(4)], {}, 1),
    ("FastGelu", [real(3, 4)], {}, 1),
    ("QuickGelu", [real(3, 4)], {"alpha": 1.7}, 1),
    ("SkipLayerNormalization", [real(2, 3, 8), real(2, 3, 8), real(8), real(8), real(8)], {"epsilon": 1e-5}, 1),
    ("SkipSimplifiedLayerNormalization", [real(2, 3, 8), real(2, 3, 8), real(8)], {"epsilon": 1e-5}, 1),
]


@pytest.mark.parametrize(("operator", "inputs", "attributes", "outputs"), FLOATING)
def test_joined_layers(operator: str, inputs: list[Array | None], attributes: dict[str, Any], outputs: int) -> None:
    ours, theirs = one_node(operator, inputs, domain=MICROSOFT, attributes=attributes, outputs=outputs)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5, atol=2e-5)


def test_the_fourth_output_is_the_sum() -> None:
    inputs = [real(2, 3, 8), real(2, 3, 8) + 1, real(8), None, real(8)]
    ours, theirs = one_node("SkipLayerNormalization", inputs, domain=MICROSOFT, outputs=4)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-6)
    ours, theirs = one_node("SkipSimplifiedLayerNormalization", [*inputs[:3], inputs[4]], domain=MICROSOFT, outputs=4)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-6)


def test_largest_of_each_window_channels_last() -> None:
    ours, theirs = one_node(
        "NhwcMaxPool", [whole(2, 8, 8, 4)], domain=MICROSOFT, attributes={"kernel_shape": [2, 2], "strides": [2, 2]}
    )
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_simplified_normalisation_of_the_standard_domain() -> None:
    ours, theirs = one_node("SimplifiedLayerNormalization", [real(2, 3, 8), real(8)], attributes={"epsilon": 1e-5})
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5, atol=1e-6)


def test_mean_of_quantised_values() -> None:
    """The operator has a definition, and no kernel in onnxruntime on a CPU."""
    function = next(entry.function for entry in CONTRIB if entry.name == "QLinearReduceMean")
    node = a_node("QLinearReduceMean", axes=[1], keepdims=0)
    values = torch.tensor([[10, 20], [1, 2]], dtype=torch.uint8)
    nothing, step = torch.tensor(0, dtype=torch.uint8), torch.tensor(0.5)
    found = function(node, values, step, nothing, step * 2, nothing)
    assert isinstance(found, torch.Tensor)
    assert found.tolist() == [8.0, 1.0]  # 7.5 and 0.75


def test_adding_bias_and_branch() -> None:
    function = next(entry.function for entry in CONTRIB_FLOAT if entry.name == "BiasAdd")
    values = [torch.from_numpy(real(2, 5, 4)), torch.ones(4), torch.full((2, 5, 4), 2.0)]
    found = function(a_node("BiasAdd"), *values)
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found, values[0] + 1 + 2)


def test_an_unknown_activation_is_refused() -> None:
    node = a_node("FusedConv", activation="Sine")
    with pytest.raises(UnsupportedOperator, match=r"FusedConv with the activation 'Sine'"):
        fused_conv(node, torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3))


def a_node(operator: str, **attributes: Any) -> Node:
    return Node(
        operator=operator, domain=MICROSOFT, name="n", opset=1, attributes=attributes, inputs=(), outputs=("y",)
    )


def test_gradients_pass_the_rounding_and_stop_at_saturation() -> None:
    left = torch.tensor([10.0, 250.0], requires_grad=True)
    scales = torch.tensor(0.5), torch.tensor(0.25)
    nothing = torch.tensor(0, dtype=torch.uint8)
    found = qlinear_add(
        a_node("QLinearAdd"), left, scales[0], nothing, torch.tensor([3.0, 3.0]), scales[0], nothing, scales[1], nothing
    )
    assert found.tolist() == [26.0, 255.0]
    assert torch.autograd.grad(found.sum(), left)[0].tolist() == [2.0, 0.0]


def test_names_are_unique() -> None:
    names = [entry.name for entry in (*CONTRIB, *CONTRIB_FLOAT)]
    assert len(names) == len(set(names))
