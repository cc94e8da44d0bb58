"""Layers between dequantise and quantise become whole-number layers, exactly where onnxruntime makes them so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from misread.attack.surrogate import Surrogate
from misread.attack.surrogate.graph import parse
from misread.errors import ModelError
from tests.attack.surrogate.graphs import by_onnxruntime, classifier, linear_head

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = NDArray[Any]
IMAGES = np.random.default_rng(5).random((8, 3, 6, 6)).astype(np.float32)


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def f32(value: float) -> Array:
    return np.array(value, np.float32)


def u8(value: int) -> Array:
    return np.array(value, np.uint8)


def between(
    layer: NodeProto,
    features: int,
    *,
    more: Mapping[str, Array] | None = None,
    after: tuple[NodeProto, ...] = (),
    dequantised: tuple[str, ...] = ("weight", "bias"),
    step: float = 0.04,
    zero: Array | None = None,
) -> ModelProto:
    """Quantise the picture, dequantise what `layer` takes, run it from `x` to `y`, quantise, and read it linearly."""
    weights = {"weight": ("weight_q", "weight_s", "weight_z"), "bias": ("bias_q", "bias_s", "")}
    nodes = [
        helper.make_node("QuantizeLinear", ["images", "x_s", "x_z"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "x_s", "x_z"], ["x"]),
        *(
            helper.make_node("DequantizeLinear", list(weights[name]), [name], axis=0)
            for name in dequantised
            if f"{name}_q" in (more or {})
        ),
        layer,
        *after,
        helper.make_node("QuantizeLinear", [after[-1].output[0] if after else "y", "y_s", "y_z"], ["z_q"]),
        helper.make_node("DequantizeLinear", ["z_q", "y_s", "y_z"], ["z"]),
    ]
    head, constants = linear_head("z", features)
    quantisers = {"x_s": f32(1 / 255), "x_z": u8(0), "y_s": f32(step), "y_z": u8(128) if zero is None else zero}
    return classifier([*nodes, *head], {**constants, **quantisers, **(more or {})}, shape=("n", 3, 6, 6))


def conv_weights() -> dict[str, Array]:
    steps = np.linspace(0.002, 0.01, 4, dtype=np.float32)
    return {
        "weight_q": rng().integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "weight_s": steps,
        "weight_z": np.zeros(4, np.int8),
        "bias_q": rng().integers(-1000, 1000, 4).astype(np.int32),
        "bias_s": steps / np.float32(255),
    }


CONV = helper.make_node("Conv", ["x", "weight", "bias"], ["y"])


def conv(**options: Any) -> ModelProto:
    return between(CONV, 64, more=conv_weights(), **options)


def conv_without_bias() -> ModelProto:
    more = {name: value for name, value in conv_weights().items() if not name.startswith("bias")}
    return between(helper.make_node("Conv", ["x", "weight"], ["y"]), 64, more=more)


def matrices(operator: str) -> ModelProto:
    """Multiply each row of pixels by a matrix."""
    more = {
        "weight_q": rng().integers(-127, 128, (6, 5)).astype(np.int8),
        "weight_s": f32(0.004),
        "weight_z": np.array(0, np.int8),
    }
    if operator == "MatMul":
        return between(helper.make_node("MatMul", ["x", "weight"], ["y"]), 90, more=more)
    more["weight_q"] = rng().integers(-127, 128, (108, 5)).astype(np.int8)
    more |= {"bias_q": rng().integers(-1000, 1000, 5).astype(np.int32), "bias_s": f32(0.004) / np.float32(255)}
    model = between(helper.make_node("Gemm", ["x", "weight", "bias"], ["y"]), 5, more=more, step=0.1)
    # the reshape goes before the quantiser, so that Gemm reads a dequantised value
    model.graph.node[0].input[0] = "rows"
    model.graph.node.insert(0, helper.make_node("Flatten", ["images"], ["rows"]))
    return model


def pair(operator: str) -> ModelProto:
    """Add or multiply the picture and its mirror image, quantised with another scale."""
    model = between(
        helper.make_node(operator, ["x", "v"], ["y"]), 108, more={"v_s": f32(0.01), "v_z": u8(60)}, step=0.02
    )
    mirror = [
        helper.make_node("Sub", ["x", "half"], ["less"]),
        helper.make_node("QuantizeLinear", ["less", "v_s", "v_z"], ["v_q"]),
        helper.make_node("DequantizeLinear", ["v_q", "v_s", "v_z"], ["v"]),
    ]
    for node in reversed(mirror):
        model.graph.node.insert(2, node)
    model.graph.initializer.append(helper.make_tensor("half", 1, [], [0.45]))
    return model


def pool(operator: str, **attributes: Any) -> ModelProto:
    features = 27 if attributes else 3
    return between(helper.make_node(operator, ["x"], ["y"], **attributes), features, step=1 / 255, zero=u8(0))


FUSED: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "conv": (conv, "QLinearConv"),
    "conv without bias": (conv_without_bias, "QLinearConv"),
    "conv with relu": (
        lambda: conv(after=(helper.make_node("Relu", ["y"], ["r"]),), zero=u8(0), step=0.02),
        "QLinearConv",
    ),
    "matmul": (lambda: matrices("MatMul"), "QLinearMatMul"),
    "gemm": (lambda: matrices("Gemm"), "com.microsoft.QGemm"),
    "add": (lambda: pair("Add"), "com.microsoft.QLinearAdd"),
    "mul": (lambda: pair("Mul"), "com.microsoft.QLinearMul"),
    "average pool": (
        lambda: pool("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
        "com.microsoft.QLinearAveragePool",
    ),
    "global pool": (lambda: pool("GlobalAveragePool"), "com.microsoft.QLinearGlobalAveragePool"),
}


def operators(module: Surrogate) -> list[str]:
    steps = (step.node for step in module._steps)
    return [f"{node.domain}.{node.operator}" if node.domain else node.operator for node in steps]


@pytest.mark.parametrize("name", FUSED)
def test_a_fused_layer_gives_onnxruntimes_numbers(name: str) -> None:
    """After optimisation, and to the bit; without it onnxruntime itself rounds some of them otherwise."""
    make, operator = FUSED[name]
    module = Surrogate(parse(make()))
    assert operator in operators(module)
    found = module(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(found, by_onnxruntime(make(), {"images": IMAGES})[0], rtol=1e-6, atol=1e-6)


def test_fused_and_unfused_layers_have_the_same_gradient() -> None:
    images = torch.from_numpy(IMAGES).requires_grad_()
    fused = Surrogate(parse(conv()))
    model = conv(zero=np.array(128, np.uint16))
    plain = Surrogate(parse(model))
    assert "QLinearConv" not in operators(plain)
    one, other = (torch.autograd.grad(module(images).square().sum(), images)[0] for module in (fused, plain))
    assert torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0) > 0.99


def used_twice() -> ModelProto:
    """The sums go to the quantiser and past it."""
    model = conv()
    model.graph.node[-1].output[0] = "read"
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["y"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("Concat", ["read", "mean"], ["logits"], axis=1),
        ]
    )
    return model


def float_bias() -> ModelProto:
    more = {**conv_weights(), "bias": rng().normal(size=4).astype(np.float32)}
    return between(CONV, 64, more=more, dequantised=("weight",))


def bias_of_bytes() -> ModelProto:
    more = {**conv_weights(), "bias_q": np.array([1, -2, 3, -4], np.int8), "bias_s": np.full(4, 0.1, np.float32)}
    return between(CONV, 64, more=more)


def float_weight() -> ModelProto:
    more = {**conv_weights(), "weight": rng().normal(size=(4, 3, 3, 3)).astype(np.float32)}
    return between(CONV, 64, more=more, dequantised=("bias",))


def relu_that_cuts() -> ModelProto:
    return conv(after=(helper.make_node("Relu", ["y"], ["r"]),))


def scaled_gemm() -> ModelProto:
    model = matrices("Gemm")
    gemm = next(node for node in model.graph.node if node.op_type == "Gemm")
    gemm.attribute.append(helper.make_attribute("beta", 2.0))
    return model


def computed_scale() -> ModelProto:
    model = conv()
    model.graph.node.insert(0, helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0))
    model.graph.node.insert(1, helper.make_node("Mul", ["most", "y_s"], ["moving"]))
    for node in model.graph.node:
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"} and node.input[1] == "y_s":
            node.input[1] = "moving"
    return model


UNFUSED: list[Callable[[], ModelProto]] = [
    used_twice,
    float_bias,
    bias_of_bytes,
    float_weight,
    relu_that_cuts,
    scaled_gemm,
    computed_scale,
]


@pytest.mark.parametrize("make", UNFUSED)
def test_layers_that_are_not_wholly_quantised_stay(make: Callable[[], ModelProto]) -> None:
    module = Surrogate(parse(make()))
    assert not any("QLinear" in name or "QGemm" in name for name in operators(module))
    found = module(torch.from_numpy(IMAGES[:1])).numpy()
    reference = by_onnxruntime(make(), {"images": IMAGES[:1]}, optimise=False)[0]
    np.testing.assert_allclose(found, reference, atol=0.05)


@pytest.mark.parametrize(
    ("inputs", "fuses"),
    [
        (["y", "low", "high"], True),
        (["y", "", "high"], True),
        (["y"], True),
        (["y", "zero", "high"], True),
        (["y", "low", "small"], False),
        (["y", "some", "high"], False),
        (["y", "most", "high"], False),
    ],
)
def test_a_clip_goes_where_the_quantiser_holds_no_more(inputs: list[str], *, fuses: bool) -> None:
    model = conv(after=(helper.make_node("Clip", inputs, ["r"]),), zero=u8(0), step=0.02)
    limits = {"low": -1.0, "zero": 0.0, "some": 0.1, "small": 3.0, "high": 0.02 * 255}
    model.graph.initializer.extend(helper.make_tensor(name, 1, [], [value]) for name, value in limits.items())
    model.graph.node.insert(0, helper.make_node("ReduceMin", ["images"], ["most"], keepdims=0))
    module = Surrogate(parse(model))
    assert ("QLinearConv" in operators(module)) is fuses
    found = module(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(found, by_onnxruntime(model, {"images": IMAGES})[0], atol=1e-5 if fuses else 0.1)


def test_a_clip_of_an_old_opset_has_its_limits_as_attributes() -> None:
    model = conv(after=(helper.make_node("Clip", ["y"], ["r"], min=0.0, max=6.0),), zero=u8(0), step=6 / 255)
    assert "QLinearConv" in operators(Surrogate(parse(model)))
    model = conv(after=(helper.make_node("Clip", ["y"], ["r"], min=0.0, max=5.0),), zero=u8(0), step=6 / 255)
    assert "QLinearConv" not in operators(Surrogate(parse(model)))


def test_scales_that_come_as_constant_nodes_are_seen() -> None:
    model = conv()
    moved = [tensor for tensor in model.graph.initializer if tensor.name in {"x_s", "y_s", "y_z"}]
    for tensor in moved:
        model.graph.initializer.remove(tensor)
        model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
    assert "QLinearConv" in operators(Surrogate(parse(model)))


def test_a_fused_graph_is_folded_to_what_it_needs() -> None:
    module = Surrogate(parse(conv()))
    assert operators(module) == ["QuantizeLinear", "QLinearConv", "DequantizeLinear", "Flatten", "MatMul"]
    assert len(list(module.buffers())) == 9


@pytest.mark.parametrize(
    ("operator", "left"), [("QuantizeLinear", 0), ("QuantizeLinear", 1), ("DequantizeLinear", 1), ("Relu", 0)]
)
def test_nodes_with_too_few_inputs_are_left_for_the_operator_to_refuse(operator: str, left: int) -> None:
    model = conv(after=(helper.make_node("Relu", ["y"], ["r"]),), zero=u8(0), step=0.02)
    node = [node for node in model.graph.node if node.op_type == operator][-1 if operator != "DequantizeLinear" else 1]
    del node.input[left:]
    with pytest.raises(ModelError, match=rf"{operator} \(node"):
        Surrogate(parse(model))(torch.from_numpy(IMAGES))
