"""Other forms of a build: one picture a call, and onnxruntime's own format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from onnx import TensorProto, helper

from misread.errors import ModelError
from misread.export.onnx_file import read_model
from misread.export.variants import Form, fix_batch, forms, path_of, paths_of, write_variant
from misread.runtime.session import Deployed
from tests.export.quantize import plants

FORMS: Final[tuple[Form, ...]] = ("batch-1", "ort")


def test_forms_and_their_names() -> None:
    assert forms(static_twin=True, ort_format=True) == FORMS
    assert forms(static_twin=False, ort_format=True) == ("ort",)
    assert forms(static_twin=False, ort_format=False) == ()
    assert path_of(Path("a/net.v2.onnx"), "batch-1") == Path("a/net.v2_b1.onnx")
    assert paths_of([Path("a.onnx"), Path("b.onnx")], FORMS) == [
        Path("a_b1.onnx"), Path("a.ort"), Path("b_b1.onnx"), Path("b.ort")
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_form_reads_as_the_build_does_and_carries_its_card(tmp_path: Path, form: Form) -> None:
    build = plants.planted(tmp_path / "net.onnx", "none")
    target = path_of(build, form)
    write_variant(form, build, target, plants.CARD)
    drawn = plants.colours(6, seed=1)[0]
    whole, other = Deployed.open(build), Deployed.open(target)
    assert other.card == plants.CARD
    assert np.allclose(whole.run(drawn), other.run(drawn), atol=1e-5)
    assert other.fixed_batch == (1 if form == "batch-1" else None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([build.name, target.name])


def test_a_batch_of_one_is_fixed_all_through(tmp_path: Path) -> None:
    build = plants.planted(tmp_path / "net.onnx", "none")
    fixed = fix_batch(read_model(build), plants.CARD).graph
    shapes = [[side.dim_value for side in end.type.tensor_type.shape.dim] for end in (*fixed.input, *fixed.output)]
    assert shapes == [[1, 3, 8, 8], [1, 3]]
    assert read_model(build).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_sides_of_other_names_are_fixed_too(tmp_path: Path) -> None:
    """A stranger's graph may call its batch differently at every place, or not at all."""
    model = read_model(plants.planted(tmp_path / "net.onnx", "none"))
    model.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "k"
    model.graph.value_info.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["z", 4]))
    fixed = fix_batch(model, plants.CARD).graph
    shapes = [end.type.tensor_type.shape.dim for end in (*fixed.input, *fixed.output, *fixed.value_info)]
    assert [[side.dim_value for side in shape] for shape in shapes] == [[1, 3, 8, 8], [1, 3]]


def test_a_batch_of_several_cannot_become_one(tmp_path: Path) -> None:
    build = plants.planted(tmp_path / "net.onnx", "none", batch=4)
    with pytest.raises(ModelError, match="takes 4 pictures a call and its shapes are fixed to that"):
        write_variant("batch-1", build, tmp_path / "net_b1.onnx", plants.CARD)
    assert not (tmp_path / "net_b1.onnx").exists()


def test_what_a_tool_refuses_is_one_sentence(tmp_path: Path) -> None:
    build = plants.planted(tmp_path / "net.onnx", "none")
    model = read_model(build)
    model.graph.node[0].op_type = "Unheard"
    build.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"^net\.onnx cannot be written in the form ort: "):
        write_variant("ort", build, tmp_path / "net.ort", plants.CARD)
    assert not (tmp_path / "net.ort").exists()
