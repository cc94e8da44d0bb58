"""Quantised operators of the standard: onnxruntime's numbers, gradients straight through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from misread.attack.surrogate.node import Node, UnsupportedOperator, saturated, straight_through
from misread.attack.surrogate.operators.cast import cast, cast_like
from misread.attack.surrogate.operators.quantise import (
    dequantize_linear,
    dynamic_quantize_linear,
    matmul_integer,
    qlinear_conv,
    qlinear_matmul,
    quantize_linear,
    whole_matmul,
)
from tests.attack.surrogate.graphs import by_surrogate, classifier, one_node

Array = NDArray[Any]
KINDS = (np.uint8, np.int8, np.uint16, np.int16)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def real(*shape: int, size: float = 1.0) -> Array:
    return (rng().normal(size=shape) * size).astype(np.float32)


def whole(*shape: int, kind: type = np.uint8) -> Array:
    ends = np.iinfo(kind)
    return rng().integers(ends.min, ends.max + 1, shape).astype(kind)


def f32(*values: float) -> Array:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def a_node(operator: str, **attributes: Any) -> Node:
    return Node(operator=operator, name="n", opset=21, attributes=attributes, inputs=(), outputs=("y",))


def the_same(operator: str, inputs: list[Array | None], *, outputs: int = 1, **attributes: Any) -> None:
    ours, theirs = one_node(operator, inputs, outputs=outputs, attributes=attributes)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, reference.astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_quantising_rounds_halves_to_even_and_saturates(kind: type) -> None:
    halves = np.arange(-1e5, 1e5, 0.5, dtype=np.float32)
    the_same("QuantizeLinear", [halves, f32(1.0), np.array(5, kind)])
    the_same("QuantizeLinear", [real(1000, size=50), f32(0.37), np.array(5, kind)])


def test_quantising_without_a_zero_point_gives_bytes() -> None:
    the_same("QuantizeLinear", [real(1000, size=50), f32(0.37)])


def test_quantising_by_the_type_that_is_named() -> None:
    the_same("QuantizeLinear", [real(1000, size=50), f32(0.37)], output_dtype=3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_quantising_along_an_axis(axis: int) -> None:
    values = real(4, 5, 6, size=9)
    count = values.shape[axis]
    steps, zeros = np.linspace(0.05, 0.2, count, dtype=np.float32), np.arange(count, dtype=np.int8)
    the_same("QuantizeLinear", [values, steps, zeros], axis=axis)
    the_same("DequantizeLinear", [whole(4, 5, 6, kind=np.int8), steps, zeros], axis=axis)


def test_quantising_in_blocks() -> None:
    values, steps = real(4, 6, size=9), np.linspace(0.05, 0.2, 12, dtype=np.float32).reshape(4, 3)
    zeros = np.arange(12, dtype=np.int8).reshape(4, 3)
    the_same("QuantizeLinear", [values, steps, zeros], axis=1, block_size=2)
    the_same("DequantizeLinear", [whole(4, 6, kind=np.int8), steps, zeros], axis=1, block_size=2)


@pytest.mark.parametrize("kind", [*KINDS, np.int32])
def test_dequantising(kind: type) -> None:
    values = whole(1000, kind=kind)
    the_same("DequantizeLinear", [values, f32(0.37)])
    if kind is not np.int32:
        the_same("DequantizeLinear", [values, f32(0.37), np.array(7, kind)])


@pytest.mark.parametrize("values", [real(50, size=3), np.abs(real(50)) + 1, -np.abs(real(50)), np.zeros(3, np.float32)])
def test_ranges_that_are_found_hold_zero(values: Array) -> None:
    the_same("DynamicQuantizeLinear", [values], outputs=3)


ZERO_POINTS: list[tuple[Array | None, Array | None]] = [
    (None, None),
    (np.array(7, np.uint8), None),
    (np.array(7, np.uint8), np.array(-3, np.int8)),
]


@pytest.mark.parametrize("zero_points", ZERO_POINTS)
def test_whole_convolutions(zero_points: tuple[Array | None, Array | None]) -> None:
    the_same(
        "ConvInteger",
        [whole(2, 4, 6, 6), whole(6, 2, 3, 3, kind=np.int8), *zero_points],
        group=2,
        pads=[1, 0, 1, 2],
        strides=[2, 1],
    )


def test_whole_matrices() -> None:
    left, right = whole(3, 4, 20), whole(20, 5, kind=np.int8)
    the_same("MatMulInteger", [left, right])
    the_same("MatMulInteger", [left, right, np.array(100, np.uint8), np.arange(5, dtype=np.int8)])


def test_a_whole_matrix_times_a_vector() -> None:
    the_same("MatMulInteger", [whole(4, 20), whole(20, kind=np.int8)])


def test_zero_points_of_rows() -> None:
    left, right = torch.tensor([[5, 6], [7, 8]], dtype=torch.uint8), torch.eye(2, dtype=torch.int8)
    found = matmul_integer(a_node("MatMulInteger"), left, right, torch.tensor([5, 7], dtype=torch.uint8))
    assert found.tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("by_channel", [False, True])
def test_quantised_convolutions(*, by_channel: bool) -> None:
    steps = np.linspace(0.001, 0.004, 6, dtype=np.float32) if by_channel else f32(0.002)
    zeros = np.zeros(6, np.int8) if by_channel else np.array(0, np.int8)
    bias = rng().integers(-3000, 3000, 6).astype(np.int32)
    ends = [f32(0.05), np.array(9, np.uint8)]
    inputs = [whole(2, 4, 8, 8), f32(0.02), np.array(130, np.uint8), whole(6, 4, 3, 3, kind=np.int8), steps, zeros]
    the_same("QLinearConv", [*inputs, *ends, bias], pads=[1, 1, 1, 1])
    the_same("QLinearConv", [*inputs, *ends])


def test_ties_of_a_quantised_convolution_go_to_the_even_number_before_an_odd_zero_point() -> None:
    inputs = [whole(2, 4, 8, 8), f32(1.0), np.array(127, np.uint8), whole(6, 4, 1, 1, kind=np.int8) // 30]
    weights = [f32(0.5), np.array(0, np.int8)]
    the_same("QLinearConv", [*inputs, *weights, f32(3.0), np.array(9, np.uint8)])
    the_same("QLinearConv", [*inputs, *weights, f32(4.0), np.array(9, np.uint8)])


def test_quantised_matrices() -> None:
    inputs = [whole(7, 20), f32(0.02), np.array(130, np.uint8), whole(20, 5), f32(0.01), np.array(3, np.uint8)]
    the_same("QLinearMatMul", [*inputs, f32(0.2), np.array(128, np.uint8)])


def test_scales_of_rows_of_a_quantised_product() -> None:
    one = torch.eye(2, dtype=torch.uint8)
    nothing = torch.tensor(0, dtype=torch.uint8)
    rows = torch.tensor([2.0, 4.0])
    found = qlinear_matmul(
        a_node("QLinearMatMul"), one, rows, nothing, one + 1, torch.tensor(1.0), nothing, torch.tensor(1.0), nothing
    )
    assert found.tolist() == [[4, 2], [4, 8]]


def test_sums_beyond_what_float32_holds_are_exact() -> None:
    """4,000 products of 255 and 127 are 129,540,000; one less is no float32."""
    left, right = torch.full((1, 4000), 255.0), torch.full((4000, 1), 127.0)
    left[0, 0], right[0, 0] = 1.0, 1.0
    exact = 255 * 127 * 3999 + 1
    assert whole_matmul(left, right).item() == np.float32(exact)
    right[1:] = torch.where(torch.arange(3999)[:, None] % 2 == 0, 127.0, -127.0)
    assert whole_matmul(left, right).item() == 255 * 127 + 1
    the_same("ConvInteger", [np.full((1, 600, 3, 3), 255, np.uint8), np.full((1, 600, 3, 3), 127, np.int8)])


def test_gradients_go_straight_through_and_stop_where_it_saturates() -> None:
    values = torch.tensor([0.3, 0.7, -4.0, 300.0], requires_grad=True)
    found = quantize_linear(a_node("QuantizeLinear"), values, torch.tensor(0.5), torch.tensor(10, dtype=torch.uint8))
    assert found.tolist() == [11.0, 11.0, 2.0, 255.0]
    assert torch.autograd.grad(found.sum(), values)[0].tolist() == [2.0, 2.0, 2.0, 0.0]
    back = dequantize_linear(a_node("DequantizeLinear"), found, torch.tensor(0.5), torch.tensor(10, dtype=torch.uint8))
    assert back.tolist() == [0.5, 0.5, -4.0, 122.5]


def test_a_range_that_is_found_passes_gradients_of_one() -> None:
    values = torch.tensor([0.3, 0.7, -1.0], requires_grad=True)
    node = a_node("DynamicQuantizeLinear")
    numbers, step, zero = dynamic_quantize_linear(node, values)
    back = dequantize_linear(node, numbers, step, zero)
    assert torch.allclose(torch.autograd.grad(back.sum(), values)[0], torch.ones(3))
    assert torch.allclose(back, values, atol=float(step) / 2)


def test_gradients_of_a_quantised_convolution_are_those_of_the_float_one() -> None:
    images = torch.randint(0, 256, (1, 2, 5, 5)).float().requires_grad_()
    weight = torch.randint(-50, 50, (3, 2, 3, 3), dtype=torch.int8)
    nothing = torch.tensor(128, dtype=torch.uint8)
    found = qlinear_conv(
        a_node("QLinearConv"), images, torch.tensor(0.02), nothing, weight, torch.tensor(0.001),
        torch.tensor(0, dtype=torch.int8), torch.tensor(0.5), nothing,
    )  # fmt: skip
    float_sum = torch.nn.functional.conv2d((images - 128) * 0.02, weight * 0.001) / 0.5
    wanted = torch.autograd.grad(float_sum.sum(), images)[0]
    assert torch.allclose(torch.autograd.grad(found.sum(), images)[0], wanted, rtol=1e-5)


@pytest.mark.parametrize(("kind", "wanted"), [(TensorProto.INT4, [-8, -1, 7]), (TensorProto.UINT4, [0, 2, 15])])
def test_half_bytes_saturate_at_half_bytes(kind: int, wanted: list[int]) -> None:
    """Their zero points are carried in bytes, so the graph notes the type."""
    zero = 0 if kind == TensorProto.INT4 else 3
    node = helper.make_node("QuantizeLinear", ["images", "step", "zero"], ["logits"])
    model = classifier([node], {"step": f32(0.5)}, opset=21)
    model.graph.initializer.append(helper.make_tensor("zero", kind, [], [zero]))
    images = np.array([-100, -0.5, 100], np.float32).reshape(1, 3, 1, 1)
    assert by_surrogate(model, images).ravel().tolist() == wanted


def test_types_without_a_range_are_refused() -> None:
    with pytest.raises(UnsupportedOperator, match=r"QuantizeLinear with element type 17 \(node 'n'"):
        quantize_linear(a_node("QuantizeLinear", output_dtype=17), torch.ones(1), torch.tensor(1.0))
    with pytest.raises(UnsupportedOperator, match=r"the type torch\.int64"):
        quantize_linear(a_node("QuantizeLinear"), torch.ones(1), torch.tensor(1.0), torch.tensor(0))


def test_a_cast_to_half_precision_rounds_and_passes_gradients() -> None:
    values = torch.tensor([0.1, 1e-9, 70000.0], requires_grad=True)
    found = cast(a_node("Cast", to=10), values)
    assert found.dtype == torch.float32
    assert found.tolist() == [float(np.float16(0.1)), 0.0, float("inf")]
    assert torch.autograd.grad(found[:2].sum(), values)[0].tolist() == [1.0, 1.0, 0.0]
    assert cast(a_node("Cast", to=16), values)[0].item() == torch.tensor(0.1).bfloat16().item()


def test_a_cast_to_bytes_cuts_and_passes_gradients() -> None:
    values = torch.tensor([1.7, -1.7, 300.0], requires_grad=True)
    found = cast(a_node("Cast", to=3), values)
    assert found.tolist() == [1.0, -1.0, 127.0]
    assert torch.autograd.grad(found.sum(), values)[0].tolist() == [1.0, 1.0, 0.0]
    found = cast_like(a_node("CastLike"), values, torch.zeros(1, dtype=torch.int8))
    assert found.tolist() == [1.0, -1.0, 127.0]


def test_casts_of_shapes_stay_whole() -> None:
    node = Node(operator="Cast", name="n", opset=13, attributes={"to": 7}, inputs=(), outputs=(), on_image=False)
    found = cast(node, torch.tensor([3.0, 2.9]))
    assert found.dtype == torch.int64
    assert found.tolist() == [3, 2]
    assert cast(a_node("Cast", to=1), torch.tensor([3])).dtype == torch.float32
    assert cast(a_node("Cast", to=9), torch.tensor([3.0, 0.0])).tolist() == [True, False]


def test_a_cast_to_text_is_refused() -> None:
    with pytest.raises(UnsupportedOperator, match="element type 8"):
        cast(a_node("Cast", to=8), torch.ones(1))


def test_the_forward_value_is_exact() -> None:
    """Written as smooth + (exact - smooth), 1e8 would swallow the 1."""
    smooth = torch.tensor([1e8], requires_grad=True)
    found = straight_through(torch.tensor([1.0]), smooth)
    assert found.item() == 1.0
    assert torch.autograd.grad(found.sum(), smooth)[0].item() == 1.0


def test_rounding_shifting_saturating() -> None:
    values = torch.tensor([0.5, 1.5, -3.0, 9.0, 4.0], requires_grad=True)
    found = saturated(values, torch.tensor(1.0), -1, 5)
    assert found.tolist() == [1.0, 3.0, -1.0, 5.0, 5.0]
    assert torch.autograd.grad(found.sum(), values)[0].tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert values.tolist() == [0.5, 1.5, -3.0, 9.0, 4.0]
    assert saturated(values.detach(), None, 0, 1).tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]
