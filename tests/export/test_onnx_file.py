from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from misread.errors import FileError
from misread.export.onnx_file import clean, describe, graphs_of, opset_of, read_model


def with_branches() -> onnx.ModelProto:
    """A model with a graph in a graph and a function, a stack trace in every place that can hold one."""
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["y"], value_float=1.0, doc_string="/home/somebody/a.py")], "b", [], [value]
    )
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [1])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    function = helper.make_function(
        "local", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 18)]
    )
    model = helper.make_model(
        helper.make_graph([node], "g", [condition], [value], doc_string="/home/somebody/b.py"),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("never.used", 1)],
        functions=[function],
        doc_string="/home/somebody/c.py",
    )
    for graph in graphs_of(model):
        for entry in (graph, *graph.node, *graph.output, *graph.input):
            entry.metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/somebody/d.py"')
    for entry in (model.functions[0], model.functions[0].node[0]):
        entry.doc_string = "/home/somebody/e.py"
        entry.metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/somebody/f.py"')
    model.graph.node[0].attribute[0].doc_string = "/home/somebody/g.py"
    return model


def test_every_place_is_cleaned() -> None:
    model = with_branches()
    assert b"/home" in model.SerializeToString()
    clean(model)
    assert b"/home" not in model.SerializeToString()
    assert [entry.domain for entry in model.opset_import] == [""]
    assert opset_of(model) == 18


def test_operators_in_branches_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(with_branches().SerializeToString())
    assert describe(path).operators == (("Constant", 2), ("If", 1))


def test_no_standard_operators_is_opset_0() -> None:
    assert opset_of(onnx.ModelProto()) == 0


@pytest.mark.parametrize("content", [b"not a model at all", None])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match="is not a whole ONNX file" if content else "cannot read"):
        read_model(path)


def test_a_truncated_file_is_refused(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(exported.read_bytes()[:-7])
    with pytest.raises(FileError, match="is not a whole ONNX file"):
        describe(path)
