"""The module around the nodes: batches, constants, devices, probabilities, and the card in front."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from misread.attack.surrogate import (
    Surrogate,
    UnsupportedOperator,
    interpret,
    load_surrogate,
    load_surrogate_origin,
)
from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.interpret import Step
from misread.attack.surrogate.node import Node
from misread.card import ModelCard
from misread.errors import ModelError
from misread.runtime.session import Deployed, SessionOptions
from tests.attack.surrogate.graphs import by_onnxruntime, classifier, linear_head

if TYPE_CHECKING:
    from pathlib import Path

Array = NDArray[Any]
IMAGES = np.random.default_rng(5).random((5, 3, 4, 4)).astype(np.float32)
LABELS = ("a", "b", "c")


def conv(**options: Any) -> onnx.ModelProto:
    """A convolution, Relu, and a linear layer."""
    weight = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["images", "weight"], ["sums"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["sums"], ["features"]),
    ]
    head, constants = linear_head("features", 64)
    return classifier([*nodes, *head], {"weight": weight, **constants}, **options)


def with_end(model: onnx.ModelProto, *ends: onnx.NodeProto, **constants: Array) -> onnx.ModelProto:
    """Append nodes behind the logits, which are called `raw` then."""
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.extend(ends)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return model


def surrogate(model: onnx.ModelProto, **options: Any) -> Surrogate:
    return Surrogate(parse(model), **options)


def saved(model: onnx.ModelProto, folder: Path, card: ModelCard | None = None) -> Path:
    if card is not None:
        onnx.helper.set_model_props(model, card.to_metadata())
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def alone(model: onnx.ModelProto, images: Array) -> Array:
    """What onnxruntime says of each picture by itself, (n, k)."""
    return np.concatenate([by_onnxruntime(model, {"images": image[None]})[0].reshape(1, -1) for image in images])


def test_it_computes_what_onnxruntime_computes_and_its_gradient_is_the_slope() -> None:
    module = surrogate(conv())
    images = torch.from_numpy(IMAGES)
    np.testing.assert_allclose(module(images).numpy(), alone(conv(), IMAGES), rtol=1e-5, atol=1e-5)
    image = images[:1].double().requires_grad_()
    double = copy.deepcopy(module).double()
    slope = torch.autograd.grad(double(image)[0, 1], image)[0]
    step = torch.zeros_like(image)
    step[0, 1, 2, 3] = 1e-2
    with torch.no_grad():
        change = (double(image + step)[0, 1] - double(image - step)[0, 1]) / 2e-2
    assert float(slope[0, 1, 2, 3]) == pytest.approx(float(change), rel=1e-2)


def test_nothing_asks_for_gradients_but_the_picture() -> None:
    module = surrogate(conv())
    assert not list(module.parameters())
    assert not any(buffer.requires_grad for buffer in module.buffers())
    assert not module.training
    assert not module(torch.from_numpy(IMAGES)).requires_grad


def test_constants_move_with_the_module() -> None:
    module = surrogate(conv()).to("meta")
    assert {buffer.device.type for buffer in module.buffers()} == {"meta"}
    assert module(torch.from_numpy(IMAGES).to("meta")).shape == (5, 3)


@pytest.mark.hardware
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_it_runs_on_a_gpu() -> None:
    module = surrogate(conv()).to("cuda")
    found = module(torch.from_numpy(IMAGES).to("cuda")).cpu()
    assert torch.allclose(found, surrogate(conv())(torch.from_numpy(IMAGES)), atol=1e-2)


def test_what_depends_on_no_pixel_is_computed_once() -> None:
    nodes = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Mul", ["two", "three"], ["six"]),
        helper.make_node("Mul", ["images", "six"], ["scaled"]),
        helper.make_node("Sqrt", ["images"], ["unused"]),
    ]
    head, constants = linear_head("scaled", 48)
    model = classifier([*nodes, *head], {**constants, "three": np.array(3, np.float32)})
    module = surrogate(model)
    assert [step.node.operator for step in module._steps] == ["Mul", "Flatten", "MatMul"]
    assert sorted(float(buffer) for buffer in module.buffers() if buffer.ndim == 0) == [6.0]
    np.testing.assert_allclose(module(torch.from_numpy(IMAGES)).numpy(), alone(model, IMAGES), rtol=1e-4, atol=1e-4)


def test_values_are_let_go_of_after_their_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[torch.Tensor]] = []
    left: list[int] = []
    original = interpret.outputs_of

    def watched(step: Step, values: dict[str, torch.Tensor | None]) -> tuple[torch.Tensor, ...]:
        left.append(sum(reference() is not None for reference in seen))
        found = original(step, values)
        seen.extend(weakref.ref(value) for value in found)
        return found

    module = surrogate(conv())
    monkeypatch.setattr(interpret, "outputs_of", watched)
    with torch.no_grad():
        module(torch.from_numpy(IMAGES))
    gc.collect()
    assert left == [0, 1, 1, 2]  # the flat one is a view and keeps what it looks at


def test_a_batch_that_the_file_fixes_is_filled_up() -> None:
    nodes = [helper.make_node("Reshape", ["images", "sizes"], ["rows"])]
    head, constants = linear_head("rows", 48)
    model = classifier([*nodes, *head], {**constants, "sizes": np.array([2, 48])}, shape=(2, 3, 4, 4))
    module = surrogate(model)
    assert module.fixed_batch == 2
    wanted = np.concatenate([by_onnxruntime(model, {"images": pair})[0] for pair in (IMAGES[:2], IMAGES[2:4])])
    found = module(torch.from_numpy(IMAGES))
    np.testing.assert_allclose(found[:4].numpy(), wanted, rtol=1e-5)
    assert found.shape == (5, 3)
    assert torch.allclose(found[4], module(torch.from_numpy(IMAGES[4:]))[0])


def dynamic_int8() -> onnx.ModelProto:
    """A matrix product whose input is quantised by the range of the whole batch."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"]),
        helper.make_node("DynamicQuantizeLinear", ["flat"], ["numbers", "step", "zero"]),
        helper.make_node("MatMulInteger", ["numbers", "weight", "zero"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "step"], ["logits"]),
    ]
    weight = np.random.default_rng(2).integers(-127, 128, (48, 3)).astype(np.int8)
    return classifier(nodes, {"weight": weight})


def test_a_dynamically_quantised_graph_reads_each_picture_as_if_it_were_alone() -> None:
    images = IMAGES * np.array([1, 2, 0.5, 1, 3], np.float32).reshape(-1, 1, 1, 1)
    module = surrogate(dynamic_int8())
    found = module(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, alone(dynamic_int8(), images), rtol=1e-6)
    together = by_onnxruntime(dynamic_int8(), {"images": images})[0]
    assert np.abs(together - found).max() > 1e-2  # so the test can tell


def test_no_pictures_give_no_rows() -> None:
    assert surrogate(dynamic_int8())(torch.zeros(0, 3, 4, 4)).shape == (0, 3)


def test_trailing_sides_of_one_are_squeezed() -> None:
    end = helper.make_node("Reshape", ["raw", "sizes"], ["logits"])
    model = with_end(conv(), end, sizes=np.array([0, 3, 1, 1]))
    found = surrogate(model)(torch.from_numpy(IMAGES))
    assert found.shape == (5, 3)


def test_pictures_of_bytes_and_of_half_precision() -> None:
    cast = helper.make_node("Cast", ["images"], ["real"], to=TensorProto.FLOAT)
    head, constants = linear_head("real", 48)
    model = classifier([cast, *head], constants, element_type=TensorProto.UINT8)
    levels = (IMAGES * 255).astype(np.uint8)
    pictures = torch.from_numpy(levels).float().requires_grad_()
    found = surrogate(model)(pictures + 0.3)
    np.testing.assert_allclose(found.detach().numpy(), alone(model, levels), rtol=1e-4, atol=1e-2)
    assert torch.autograd.grad(found.sum(), pictures)[0].abs().min() > 0

    model = classifier([cast, *head], constants, element_type=TensorProto.FLOAT16)
    pictures = torch.from_numpy(IMAGES).requires_grad_()
    found = surrogate(model)(pictures)
    np.testing.assert_allclose(found.detach().numpy(), alone(model, IMAGES.astype(np.float16)), rtol=1e-5, atol=1e-5)
    assert torch.autograd.grad(found.sum(), pictures)[0].abs().min() > 0


def ends_in_softmax(opset: int = 17) -> onnx.ModelProto:
    ends = [
        helper.make_node("Softmax", ["raw"], ["shares"], axis=1),
        helper.make_node("Reshape", ["shares", "sizes"], ["logits"]),
    ]
    return with_end(conv(opset=opset), *ends, sizes=np.array([0, 3, 1, 1]))


@pytest.mark.parametrize("opset", [11, 17])
def test_a_final_softmax_is_seen_and_left_out_on_request(opset: int) -> None:
    images = torch.from_numpy(IMAGES * 100)  # so that shares are 0 and 1 in float32
    plain, logits = surrogate(ends_in_softmax(opset)), surrogate(ends_in_softmax(opset), log_softmax=True)
    assert plain.ends_in_softmax
    assert logits.ends_in_softmax
    assert not surrogate(conv()).ends_in_softmax
    wanted = torch.log_softmax(surrogate(conv())(images), 1)
    assert torch.allclose(logits(images), wanted, rtol=1e-5, atol=1e-4)
    assert (plain(images) == 0).any()
    assert torch.isfinite(logits(images)).all()


def test_a_softmax_that_is_not_the_end_stays() -> None:
    ends = [
        helper.make_node("Softmax", ["raw"], ["shares"], axis=1),
        helper.make_node("Mul", ["shares", "shares"], ["logits"]),
    ]
    assert not surrogate(with_end(conv(), *ends)).ends_in_softmax


def test_an_unknown_operator_is_named_with_its_node_and_what_is_known(tmp_path: Path) -> None:
    model = with_end(conv(), helper.make_node("Sorcery", ["raw"], ["logits"], name="spell", domain="com.microsoft"))
    with pytest.raises(UnsupportedOperator) as caught:
        load_surrogate(saved(model, tmp_path))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'model.onnx'}: the surrogate does not know the operator com.microsoft.Sorcery")
    assert "(node 'spell')" in said
    assert "--attack square" in said
    assert "Conv, " in said
    assert "com.microsoft.QLinearAdd, " in said


def test_inputs_that_an_operator_cannot_take_are_named() -> None:
    model = conv()
    model.graph.node[0].attribute.append(helper.make_attribute("group", 7))
    with pytest.raises(
        ModelError, match=r"Conv \(node 'sums'\) cannot take inputs of shape \(5, 3, 4, 4\), \(4, 3, 3, 3\)"
    ):
        surrogate(model)(torch.from_numpy(IMAGES))


def test_an_operator_without_words_is_named_by_the_kind_of_its_error() -> None:
    def mute(_: Node, *__: torch.Tensor) -> torch.Tensor:
        raise KeyError

    node = Node(operator="Mute", name="m", opset=1, attributes={}, inputs=(), outputs=("y",))
    with pytest.raises(ModelError, match=r"Mute \(node 'm'\) cannot take inputs of shape none: KeyError"):
        interpret.outputs_of(Step(node=node, function=mute, dead=()), {})


def test_running_out_of_memory_is_no_fault_of_the_graph() -> None:
    def greedy(_: Node, *__: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    node = Node(operator="Greedy", name="g", opset=1, attributes={}, inputs=(), outputs=("y",))
    with pytest.raises(torch.OutOfMemoryError):
        interpret.outputs_of(Step(node=node, function=greedy, dead=()), {})


def test_a_graph_that_grows_without_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpret, "MAX_VALUES", 100)
    with pytest.raises(ModelError, match=r"Conv \(node 'sums'\) makes 320 values; at most 100"):
        surrogate(conv())(torch.from_numpy(IMAGES))


def test_an_end_without_inputs_is_refused() -> None:
    with pytest.raises(ModelError, match=r"Identity \(node 'logits'\) cannot take inputs of shape none"):
        surrogate(with_end(conv(), helper.make_node("Identity", [], ["logits"])))(torch.from_numpy(IMAGES))


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(ModelError, match=r"takes \(n, c, h, w\) of \[None, 3, 4, 4\], got \[1, 3, 5, 4\]"):
        surrogate(conv())(torch.zeros(1, 3, 5, 4))
    with pytest.raises(ModelError, match=r"got \[3, 4, 4\]"):
        surrogate(conv())(torch.zeros(3, 4, 4))


def test_an_output_that_is_not_a_row_for_each_picture_is_refused() -> None:
    model = with_end(conv(), helper.make_node("Reshape", ["raw", "sizes"], ["logits"]), sizes=np.array([1, -1]))
    with pytest.raises(ModelError, match=r"returns \[1, 15\] for 5 pictures"):
        surrogate(model)(torch.from_numpy(IMAGES))


CARDS = [
    ModelCard(labels=LABELS, size_hw=(4, 4)),
    ModelCard(labels=LABELS, size_hw=(4, 4), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    ModelCard(labels=LABELS, size_hw=(4, 4), colour="bgr", scale=1.0, mean=(103.9, 116.8, 123.7)),
    ModelCard(labels=LABELS, size_hw=(4, 4), scale=1 / 127.5, mean=(1.0, 1.0, 1.0)),
    ModelCard(labels=LABELS, size_hw=(4, 4), colour="bgr", scale=0.017, mean=(1.7, 1.9, 2.1), std=(1.0, 2.0, 3.0)),
]


@pytest.mark.parametrize("card", CARDS)
def test_the_twin_of_a_file_is_fed_as_the_build_is(card: ModelCard, tmp_path: Path) -> None:
    """A file that returns its input shows the feeding to the bit."""
    head = helper.make_node("Flatten", ["images"], ["logits"])
    labels = tuple(str(at) for at in range(48))
    model = classifier([head])
    found = load_surrogate_origin(saved(model, tmp_path), with_labels(card, labels))
    levels = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3)).astype(np.uint8)
    deployed = Deployed.open(tmp_path / "model.onnx", card=found.card, options=SessionOptions(threads=1))
    images = torch.from_numpy(levels).permute(0, 3, 1, 2).float() / 255
    np.testing.assert_array_equal(found.origin.twin(images).numpy(), deployed.run(levels))
    assert found.card == with_labels(card, labels)
    plain = found.origin.card
    assert (plain.colour, plain.scale, plain.mean, plain.std) == ("rgb", 1 / 255, (0.0,) * 3, (1.0,) * 3)
    assert plain.output == "logits"


def with_labels(card: ModelCard, labels: tuple[str, ...]) -> ModelCard:
    return ModelCard(
        labels=labels, size_hw=card.size_hw, colour=card.colour, scale=card.scale, mean=card.mean, std=card.std
    )


def test_every_level_survives_the_way_to_0_1_and_back() -> None:
    levels = torch.arange(256).float()
    assert torch.equal(levels / 255 * 255, levels)


def test_a_grey_file(tmp_path: Path) -> None:
    nodes, constants = linear_head("images", 16)
    path = saved(classifier(nodes, constants, shape=("n", 1, 4, 4)), tmp_path)
    card = ModelCard(labels=LABELS, size_hw=(4, 4), colour="grey", mean=(0.5,), std=(0.25,))
    origin = load_surrogate_origin(path, card).origin
    assert origin.card.colour == "grey"
    assert origin.card.mean == (0.0,)
    assert origin.twin(torch.zeros(1, 1, 4, 4)).shape == (1, 3)


def test_the_card_in_the_file_comes_before_the_one_that_is_given(tmp_path: Path) -> None:
    path = saved(conv(), tmp_path, ModelCard(labels=("x", "y", "z"), size_hw=(4, 4)))
    found = load_surrogate_origin(path, ModelCard(labels=LABELS, size_hw=(8, 8)))
    assert found.card.labels == ("x", "y", "z")
    assert found.origin.name == str(path)
    assert found.origin.weights_sha256 is not None


def test_probabilities_become_logits(tmp_path: Path) -> None:
    card = ModelCard(labels=LABELS, size_hw=(4, 4), output="probabilities", scale=1.0)
    images = torch.from_numpy((IMAGES * 255).round() / 255).float()
    twin = load_surrogate_origin(saved(ends_in_softmax(), tmp_path), card).origin.twin
    wanted = torch.log_softmax(surrogate(conv())(images * 255), 1)
    assert torch.allclose(twin(images), wanted, rtol=1e-5, atol=1e-3)

    squashed = with_end(conv(), helper.make_node("Sigmoid", ["raw"], ["logits"]))
    twin = load_surrogate_origin(saved(squashed, tmp_path), card).origin.twin
    shares = torch.sigmoid(surrogate(conv())(images * 255))
    assert (shares == 0).any()
    assert torch.allclose(twin(images), shares.clamp(min=torch.finfo(torch.float32).tiny).log())


def test_a_file_without_a_card_or_with_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = saved(conv(), tmp_path)
    with pytest.raises(ModelError, match=r"model\.onnx: it carries no card"):
        load_surrogate_origin(path)
    with pytest.raises(ModelError, match=r"model\.onnx: it returns 3 values a picture and its card has 2 labels"):
        load_surrogate_origin(path, ModelCard(labels=("a", "b"), size_hw=(4, 4)))
    with pytest.raises(ModelError, match=r"model\.onnx: the graph takes"):
        load_surrogate_origin(path, ModelCard(labels=LABELS, size_hw=(8, 8)))
