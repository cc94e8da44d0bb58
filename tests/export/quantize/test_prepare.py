"""Strangers' graphs made fit for the quantiser: old opsets, nameless nodes, weights among the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from misread.errors import ModelError
from misread.export.onnx_file import opset_of, read_metadata, read_model
from misread.export.quantize.calibrate import Calibration
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.prepare import image_input, prepare, raised, require_float
from misread.export.quantize.workbench import Workbench, normalising
from misread.runtime.session import Deployed
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return plants.planted(tmp_path / "net.onnx", "none")


def test_a_prepared_model_has_names_and_reads_the_same(source: Path, tmp_path: Path) -> None:
    model = read_model(source)
    for node in model.graph.node:
        node.name = "" if node.op_type == "Relu" else node.name
    model.graph.node[0].name = "relu_3"  # what the fourth node would be called
    source.write_bytes(model.SerializeToString())
    prepare(source, tmp_path / "prepared.onnx")
    nodes = read_model(tmp_path / "prepared.onnx").graph.node
    names = [node.name for node in nodes]
    assert all(names)
    assert len(set(names)) == len(names) >= 8
    drawn = plants.colours(10, seed=1)[0]
    before, after = (Deployed.open(path, card=plants.CARD) for path in (source, tmp_path / "prepared.onnx"))
    assert np.allclose(before.run(drawn), after.run(drawn), atol=1e-5)


def test_an_old_opset_is_raised(tmp_path: Path) -> None:
    old = read_model(plants.planted(tmp_path / "old.onnx", "none", opset=11))
    helper.set_model_props(old, {"key": "value"})
    new = raised(old)
    assert (opset_of(new), read_metadata(new)) == (13, {"key": "value"})
    assert new.ir_version >= 7
    onnx.checker.check_model(new, full_check=True)


def test_an_opset_that_cannot_be_raised_is_refused(source: Path) -> None:
    model = read_model(source)
    model.opset_import[0].version = 5
    model.graph.node[0].op_type = "Upsample"
    with pytest.raises(ModelError, match="int8 needs opset 13, the model has 5 and cannot be raised"):
        raised(model)


def test_weights_among_the_inputs_are_no_inputs(source: Path) -> None:
    model = read_model(source)
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims))
    model.ir_version = 3
    assert image_input(model).name == "input"
    assert [entry.name for entry in raised(model).graph.input] == ["input"]


def test_what_is_no_float_classifier_is_refused(source: Path) -> None:
    model = read_model(source)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    with pytest.raises(ModelError, match="int8 starts from a model that takes float32, this one takes uint8"):
        require_float(model, "int8")
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    with pytest.raises(ModelError, match="expected one input, got 2"):
        require_float(model, "int8")


def test_weights_in_other_files_are_refused(source: Path) -> None:
    model = read_model(source)
    tensor = model.graph.initializer.add()
    tensor.CopyFrom(numpy_helper.from_array(np.zeros(4, np.float32), "far"))
    tensor.data_location = TensorProto.EXTERNAL
    with pytest.raises(ModelError, match="keeps weights in other files; write it as one file first"):
        require_float(model, "int8")


def test_the_arithmetic_in_front_of_the_first_layer_is_normalising(tmp_path: Path) -> None:
    """Sums and products with constants, from the input up to the first layer; not those behind it."""
    value = np.full((1, 3, 1, 1), 2, np.float32)
    weights = {"two": value, "w": np.eye(3, dtype=np.float32)[:, :, None, None]}
    nodes = [
        helper.make_node("Mul", ["input", "two"], ["a"], name="scale"),
        helper.make_node("Sub", ["a", "two"], ["b"], name="shift"),
        helper.make_node("Conv", ["b", "w"], ["c"], name="conv"),
        helper.make_node("Add", ["c", "two"], ["d"], name="behind"),
        helper.make_node("Add", ["d", "b"], ["e"], name="skip"),
        helper.make_node("ReduceMean", ["e"], ["logits"], name="mean", keepdims=0),
    ]
    path = plants.write(tmp_path / "net.onnx", nodes, weights, batch="n", card=None)
    assert normalising(read_model(path)) == {"scale", "shift"}


def test_it_stays_in_float_and_is_not_searched(tmp_path: Path) -> None:
    source = plants.alone(tmp_path / "net.onnx")
    (tmp_path / "bench").mkdir()
    bench = Workbench(source, Calibration(pictures=plants.pictures(9, 1), card=plants.CARD), tmp_path / "bench")
    assert "far" not in dict(bench.nodes())
    model = bench.quantised(StaticOptions())
    (add,) = (node for node in model.graph.node if node.name == "far")
    assert add.input[0] == "input"
