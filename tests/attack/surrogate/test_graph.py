"""Reading a stranger's file: what becomes of it, and what is refused in one sentence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from misread.attack.surrogate import source
from misread.attack.surrogate.graph import parse
from misread.attack.surrogate.node import Subgraph
from misread.attack.surrogate.source import read_source
from misread.errors import FileError, ModelError
from tests.attack.surrogate.graphs import by_onnxruntime, by_surrogate, classifier, linear_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = np.random.default_rng(5).random((2, 3, 4, 4)).astype(np.float32)


def simple(**options: Any) -> onnx.ModelProto:
    nodes, constants = linear_head("images", 48)
    return classifier(nodes, constants, **options)


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_has_nodes_constants_and_the_shape_of_its_input() -> None:
    graph = parse(simple())
    assert [node.operator for node in graph.nodes] == ["Flatten", "MatMul"]
    assert graph.constants["head"].shape == (48, 3)
    assert (graph.input, graph.output, graph.shape) == ("images", "logits", (None, 3, 4, 4))
    np.testing.assert_allclose(
        by_surrogate(simple(), IMAGES), by_onnxruntime(simple(), {"images": IMAGES})[0], rtol=1e-5
    )


def test_an_initialiser_that_is_also_an_input_is_no_input() -> None:
    model = simple()
    model.graph.input.append(helper.make_tensor_value_info("head", TensorProto.FLOAT, [48, 3]))
    assert parse(model).input == "images"


def test_names_versions_and_dependence_on_the_pixels() -> None:
    nodes = [
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Gelu", ["images"], ["gelu"], domain="com.microsoft"),
        helper.make_node("Flatten", ["gelu"], ["logits"], name="end", domain="ai.onnx"),
    ]
    graph = parse(classifier(nodes, opset=13))
    assert [node.name for node in graph.nodes] == ["shape", "whole", "gelu", "end"]
    assert [node.on_image for node in graph.nodes] == [False, False, True, True]
    assert [node.opset for node in graph.nodes] == [13, 13, 1, 13]
    assert [node.domain for node in graph.nodes] == ["", "", "com.microsoft", ""]


def test_attributes_are_what_python_has() -> None:
    node = helper.make_node(
        "Made",
        ["images"],
        ["logits"],
        whole=3,
        real=0.5,
        text="same",
        wholes=[1, 2],
        reals=[0.5],
        texts=["a", "b"],
        tensor=numpy_helper.from_array(np.ones(2, np.float16), "t"),
    )
    attributes = dict(parse(classifier([node])).nodes[0].attributes)
    assert torch.equal(attributes.pop("tensor"), torch.ones(2))
    wanted = {"whole": 3, "real": 0.5, "text": "same", "wholes": [1, 2], "reals": [0.5], "texts": ["a", "b"]}
    assert attributes == wanted


def test_an_attribute_that_no_classifier_needs_is_refused() -> None:
    node = helper.make_node("Made", ["images"], ["logits"])
    node.attribute.append(helper.make_attribute("kind", helper.make_tensor_type_proto(TensorProto.FLOAT, [1])))
    with pytest.raises(ModelError, match="the node 'logits' has an attribute 'kind'"):
        parse(classifier([node]))


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (TensorProto.FLOAT16, torch.float32),
        (TensorProto.BFLOAT16, torch.float32),
        (TensorProto.DOUBLE, torch.float64),
        (TensorProto.INT4, torch.int8),
        (TensorProto.UINT4, torch.uint8),
        (TensorProto.INT8, torch.int8),
        (TensorProto.FLOAT8E4M3FN, torch.float8_e4m3fn),
        (TensorProto.BOOL, torch.bool),
    ],
)
def test_weights_of_every_type(kind: int, dtype: torch.dtype) -> None:
    model = simple()
    model.graph.initializer.append(helper.make_tensor("more", kind, [3], [1, 0, 1]))
    more = parse(model).constants["more"]
    assert more.dtype == dtype
    assert more.float().tolist() == [1, 0, 1]


def test_a_scalar_stays_a_scalar() -> None:
    model = simple()
    model.graph.initializer.append(numpy_helper.from_array(np.array(3.0, np.float32), "more"))
    assert parse(model).constants["more"].shape == ()


def test_a_weight_whose_data_and_shape_disagree_is_refused() -> None:
    model = simple()
    model.graph.initializer[0].dims[0] = 1_000_000_000
    with pytest.raises(ModelError, match="the tensor 'head' cannot be read"):
        parse(model)


def test_nodes_in_any_order_run_in_one_that_works() -> None:
    model = simple()
    nodes = list(model.graph.node)[::-1]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    assert [node.operator for node in parse(model).nodes] == ["Flatten", "MatMul"]


def a_branch(name: str, factor: float) -> onnx.GraphProto:
    """Multiply the picture by a number that the branch brings along; both branches call it `factor`."""
    inner = helper.make_node("Mul", ["images", "factor"], [f"{name}_out"])
    return helper.make_graph(
        [inner],
        name,
        [],
        [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )


def nested() -> onnx.ModelProto:
    """An If inside an If; both conditions come from the number of pictures."""
    inner = helper.make_node("If", ["alone"], ["inner"], then_branch=a_branch("a", 2), else_branch=a_branch("b", 3))
    outer_then = helper.make_graph(
        [inner], "outer", [], [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)]
    )
    nodes = [
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Gather", ["shape", "nought"], ["count"]),
        helper.make_node("Equal", ["count", "one"], ["alone"]),
        helper.make_node("Less", ["count", "three"], ["few"]),
        helper.make_node("If", ["few"], ["chosen"], then_branch=outer_then, else_branch=a_branch("c", 5)),
    ]
    head, constants = linear_head("chosen", 48)
    numbers = {name: np.array(value) for name, value in {"nought": 0, "one": 1, "three": 3}.items()}
    return classifier([*nodes, *head], {**constants, **numbers})


@pytest.mark.parametrize("count", [1, 2, 3])
def test_branches_take_values_and_weights_from_around_them(count: int) -> None:
    images = np.repeat(IMAGES[:1], count, axis=0)
    wanted = by_onnxruntime(nested(), {"images": images})[0]
    np.testing.assert_allclose(by_surrogate(nested(), images), wanted, rtol=1e-5)
    node = next(node for node in parse(nested()).nodes if node.operator == "If")
    assert isinstance(node.attributes["then_branch"], Subgraph)
    assert node.inputs[0] == "few"
    assert {"images", "alone"} < set(node.inputs)


def two_outputs(model: onnx.ModelProto) -> None:
    model.graph.output.append(model.graph.output[0])


def no_input(model: onnx.ModelProto) -> None:
    model.graph.ClearField("input")


def flat_input(model: onnx.ModelProto) -> None:
    del model.graph.input[0].type.tensor_type.shape.dim[2:]


def text_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING


def made_twice(model: onnx.ModelProto) -> None:
    model.graph.node[0].output[0] = "logits"


def made_by_nobody(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "else"


def output_by_nobody(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "else"


def circle(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "logits"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (two_outputs, "expected one output"),
        (no_input, "expected one input .* got none"),
        (flat_input, r"got images \[None, 3\]"),
        (text_input, "expected one input"),
        (made_twice, "'logits' is made twice"),
        (made_by_nobody, "needs 'else', which nobody makes"),
        (output_by_nobody, "nobody makes the output 'else'"),
        (circle, "has a circle"),
    ],
)
def test_graphs_that_are_no_classifiers_are_refused(spoil: Callable[[onnx.ModelProto], None], said: str) -> None:
    model = simple()
    spoil(model)
    with pytest.raises(ModelError, match=said):
        parse(model)


def test_functions_of_the_model_are_written_out(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 17)]
    twice = helper.make_function("own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], opsets)
    nodes = [helper.make_node("Twice", ["images"], ["double"], domain="own")]
    head, constants = linear_head("double", 48)
    model = classifier([*nodes, *head], constants, functions=[twice])
    graph = parse(read_source(saved(model, tmp_path)))
    assert [node.operator for node in graph.nodes] == ["Add", "Flatten", "MatMul"]


def calls(name: str, called: str, times: int) -> onnx.FunctionProto:
    nodes = [
        helper.make_node(called, [f"v{at}"], [f"v{at + 1}"], domain="" if called == "Relu" else "own")
        for at in range(times)
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["v0"], [f"v{times}"], nodes, opsets)


def test_functions_that_call_themselves_are_refused(tmp_path: Path) -> None:
    head, constants = linear_head("images", 48)
    model = classifier(head, constants, functions=[calls("A", "B", 1), calls("B", "A", 1)])
    model.graph.node.append(helper.make_node("A", ["images"], ["x"], domain="own"))
    with pytest.raises(ModelError, match="calls itself"):
        read_source(saved(model, tmp_path))


def test_functions_that_multiply_are_counted_before_they_are_written_out(tmp_path: Path) -> None:
    """Ten functions that call the next one ten times are 10^10 nodes."""
    functions = [calls(f"F{at}", f"F{at + 1}" if at < 9 else "Relu", 10) for at in range(10)]
    head, constants = linear_head("x", 48)
    first = helper.make_node("F0", ["images"], ["x"], domain="own")
    with pytest.raises(ModelError, match="10000000002 operators; a classifier has at most 100000"):
        read_source(saved(classifier([first, *head], constants, functions=functions), tmp_path))


def test_functions_called_in_a_branch_are_counted_too(tmp_path: Path) -> None:
    branch = a_branch("a", 2)
    branch.node.append(helper.make_node("A", ["images"], ["more"], domain="own"))
    body = [helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=a_branch("b", 2))]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = simple(functions=[helper.make_function("own", "A", ["x"], ["y"], body, opsets)])
    model.graph.node.append(helper.make_node("A", ["images"], ["z"], domain="own"))
    with pytest.raises(ModelError, match="calls itself"):
        read_source(saved(model, tmp_path))


def external(folder: Path, **told: str) -> Path:
    """Write the simple model with its weight in another file, told where by `told`."""
    model = simple()
    weight = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(b"\0" * 8 + weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in told.items():
        weight.external_data.append(onnx.StringStringEntryProto(key=key, value=value))
    return saved(model, folder)


def test_weights_beside_the_model(tmp_path: Path) -> None:
    wanted = parse(simple()).constants["head"]
    path = external(tmp_path, location="weights.bin", offset="8", length=str(48 * 3 * 4))
    assert torch.equal(parse(read_source(path)).constants["head"], wanted)
    path = external(tmp_path, location="weights.bin", offset="8")
    assert torch.equal(parse(read_source(path)).constants["head"], wanted)


@pytest.mark.parametrize(
    "told",
    [
        {"location": "../weights.bin"},
        {"location": "/etc/hostname"},
        {"location": "link.bin"},
        {"location": "."},
        {},
        {"location": "nowhere.bin"},
        {"location": "weights.bin", "offset": "-8"},
        {"location": "weights.bin", "offset": "much"},
        {"location": "weights.bin", "length": "100000"},
        {"location": "weights.bin", "length": "-1"},
        {"location": "weights.bin", "offset": "100000"},
        {"location": "we\0ights.bin"},
    ],
)
def test_weights_elsewhere_or_cut_off_are_refused(tmp_path: Path, told: dict[str, str]) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(b"\0" * 1000)
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(FileError, match="the weight 'head'"):
        read_source(external(folder, **told))


def test_weights_of_attributes_may_lie_beside_the_model_and_their_sum_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = external(tmp_path, location="weights.bin", offset="8")
    model = onnx.load_model(path, load_external_data=False)
    constant = helper.make_node("Constant", [], ["unused"], value=model.graph.initializer[0])
    model.graph.node.insert(0, constant)
    path.write_bytes(model.SerializeToString())
    assert parse(read_source(path)).nodes[0].attributes["value"].shape == (48, 3)
    monkeypatch.setattr(source, "MAX_EXTERNAL_BYTES", 48 * 3 * 4 * 2 - 1)
    with pytest.raises(FileError, match="the weight 'head'"):
        read_source(path)


def test_files_that_are_no_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match=r"cannot read .*no such file"):
        read_source(tmp_path / "nowhere.onnx")
    path = tmp_path / "text.onnx"
    path.write_text("no model at all")
    with pytest.raises(FileError, match="not a whole ONNX file"):
        read_source(path)
    path.write_bytes(b"")
    with pytest.raises(FileError, match="has no operators"):
        read_source(path)
    path.write_bytes(simple().SerializeToString())
    monkeypatch.setattr(source, "MAX_FILE_BYTES", 10)
    with pytest.raises(FileError, match="at most 10"):
        read_source(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(FileError, match="no plain file"):
        read_source(tmp_path / "pipe.onnx")
