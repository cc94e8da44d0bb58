"""Whatever onnxruntime raises becomes one sentence of ours; what is not its own passes unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as state

from misread.card import ModelCard
from misread.errors import FileError, MisreadError, ModelError, ModelRunError, OptionError
from misread.runtime.session import Deployed, ort_errors
from misread.runtime.session.boundary import first_line
from misread.runtime.trial import trusted
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

CARD = ModelCard(labels=("red", "green"), size_hw=(8, 8))


FOREIGN = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", FOREIGN)
def test_every_exception_of_onnxruntime_is_mapped(kind: type[Exception]) -> None:
    with pytest.raises(FileError, match=r"^loading: no$"), ort_errors("loading", FileError, name="m"):
        raise kind("no")
    assert {"Fail", "EPFail", "InvalidProtobuf"} <= {kind.__name__ for kind in FOREIGN}


@pytest.mark.parametrize(
    "error", [ValueError("no"), RuntimeError("no"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")]
)
def test_what_its_bindings_raise_is_mapped(error: Exception) -> None:
    with pytest.raises(ModelError, match=r"^loading: .*no"), ort_errors("loading", ModelError, name="m"):
        raise error


@pytest.mark.parametrize("error", [KeyError("ours"), OptionError("ours"), TypeError("ours"), KeyboardInterrupt()])
def test_what_is_not_its_own_passes_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, ort_errors("loading", FileError, name="m"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("std::bad_alloc"),
        RuntimeError("std::bad_array_new_length"),
        RuntimeError("Failed to allocate memory for requested buffer of size 40000000000000"),
    ],
)
def test_memory_that_ran_out_is_the_machines_failure_and_not_the_files(error: Exception) -> None:
    wanted = r"^m\.onnx asks for more memory than there is: \S"
    with pytest.raises(ModelRunError, match=wanted), ort_errors("loading", FileError, name="m.onnx"):
        raise error


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Protobuf parsing failed.\nmore", "Protobuf parsing failed."),
        ("Error in execution: Non-zero status code", "Non-zero status code"),
        (
            "Error in execution: [ONNXRuntimeError] : 1 : FAIL : at /k.cc:8 int Out() [ONNXRuntimeError] : 2 : X : no",
            "at no",
        ),
        ("x" * 1000, "x" * 300),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_one_line_without_codes_and_source_files(text: str, line: str) -> None:
    assert first_line(RuntimeError(text)) == line


@pytest.mark.parametrize("size", [10**13, 2**62])
def test_a_graph_that_asks_for_terabytes_ends_in_one_sentence(tmp_path: Path, size: int) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(graph(tmp_path / "m.onnx"))
    helper, kinds = onnx.helper, onnx.TensorProto
    model.graph.initializer.append(helper.make_tensor("size", kinds.INT64, [1], [size]))
    more = [("ConstantOfShape", ["size"], "huge"), ("ReduceSum", ["huge"], "sum"), ("Add", ["logits", "sum"], "out")]
    model.graph.node.extend(helper.make_node(kind, inputs, [output]) for kind, inputs, output in more)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("out", kinds.FLOAT, None))
    onnx.save(model, tmp_path / "m.onnx")
    said = r"m\.onnx (asks for more memory than there is|: )|could not run|overflow"
    with trusted(), pytest.raises(MisreadError, match=said) as caught:
        Deployed.open(tmp_path / "m.onnx", card=CARD)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["metadata", "input", "output"])
def test_names_that_are_no_text_are_refused_in_one_sentence(tmp_path: Path, where: str) -> None:
    data = graph(tmp_path / "m.onnx", metadata={"note": "METADATA"}).read_bytes()
    swap: dict[str, tuple[bytes, bytes]] = {
        "metadata": (b"METADATA", b"METADAT\xff"),
        "input": (b"input", b"inpu\xff"),
        "output": (b"logits", b"logit\xff"),
    }
    (tmp_path / "m.onnx").write_bytes(data.replace(*swap[where]))
    with pytest.raises(MisreadError, match=r"m\.onnx is not an ONNX model that onnxruntime .* can load: "):
        Deployed.open(tmp_path / "m.onnx", card=CARD)


def test_a_failing_run_leaves_nothing_behind_in_the_buffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Deployed.open(graph(tmp_path / "m.onnx"), card=CARD)
    bright, dark = np.full((1, 8, 8, 3), 255, np.uint8), np.zeros((1, 8, 8, 3), np.uint8)
    real = type(build.session).run_with_iobinding

    def fails(*_: Any) -> None:
        raise state.Fail("[ONNXRuntimeError] : 1 : FAIL : the driver went away")

    monkeypatch.setattr(type(build.session), "run_with_iobinding", fails)
    with pytest.raises(ModelRunError, match=r"onnxruntime could not run .*m\.onnx: the driver went away$"):
        build.run(bright)
    monkeypatch.setattr(type(build.session), "run_with_iobinding", real)
    np.testing.assert_array_equal(build.run(dark), [[0, 0]])
