"""The deployed build, and the one boundary that onnxruntime's errors cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from misread.card import ModelCard
from misread.errors import FileError, ModelError, ModelRunError, OptionError, UnknownName
from misread.runtime import threads
from misread.runtime.session import Deployed, FunctionReader, Reading, SessionOptions, ort_errors
from tests.models import graph

if TYPE_CHECKING:
    from pathlib import Path

UInt8 = NDArray[np.uint8]


@pytest.fixture
def plain() -> ModelCard:
    return ModelCard(labels=("red", "green"), size_hw=(8, 8))


def picture(red: int, green: int, side: int = 8) -> UInt8:
    return np.full((side, side, 3), (red, green, 0), np.uint8)


def test_a_build_reads_pictures_of_any_size_by_its_own_card(tmp_path: Path, plain: ModelCard) -> None:
    build = Deployed.open(graph(tmp_path / "m.onnx", metadata=plain.to_metadata()))
    reading = build.read([picture(200, 10), picture(10, 200, 31), picture(0, 255, 5)])
    assert reading.labels == ("red", "green", "green")
    np.testing.assert_allclose(reading.logits, np.array([[200, 10], [10, 200], [0, 255]]) / 255, atol=1e-6)
    np.testing.assert_allclose(reading.margin([0, 0, 1]), np.array([190, -190, 255]) / 255, atol=1e-6)
    np.testing.assert_allclose(reading.confidence[2], 1 / (1 + np.exp(-1)), atol=1e-6)
    assert build.card == plain
    assert len(build.sha256) == 64
    assert build.read([]).logits.shape == build.read_prepared(np.empty((0, 8, 8, 3), np.uint8)).logits.shape == (0, 2)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_padded_and_cut(tmp_path: Path, plain: ModelCard, batch: int) -> None:
    build = Deployed.open(graph(tmp_path / "m.onnx", shape=(batch, 3, 8, 8)), card=plain)
    pictures = [picture(shade, 100) for shade in range(0, 250, 25)]
    expected = [[shade / 255, 100 / 255] for shade in range(0, 250, 25)]
    np.testing.assert_allclose(build.read(pictures).logits, expected, atol=1e-6)


def test_a_picture_is_read_alone_where_its_neighbours_would_have_a_say(tmp_path: Path, plain: ModelCard) -> None:
    """The range of a dark picture is narrow; beside a bright one its levels would be rounded more coarsely."""
    build = Deployed.open(graph(tmp_path / "m.onnx", dynamic=True), card=plain)
    dark = picture(3, 1)
    dark[0, 0] = 10
    alone = build.read([dark]).logits
    np.testing.assert_array_equal(build.read([dark, picture(255, 0)]).logits[:1], alone)
    assert build.fixed_batch == 1
    build.fixed_batch = None
    assert (build.read([dark, picture(255, 0)]).logits[:1] != alone).any()
    assert Deployed.open(graph(tmp_path / "n.onnx"), card=plain).fixed_batch is None


@pytest.mark.parametrize(("kind", "scale"), [("FLOAT16", 1 / 255), ("UINT8", 1.0)])
def test_the_input_has_the_type_that_the_graph_asks_for(
    tmp_path: Path, plain: ModelCard, kind: str, scale: float
) -> None:
    card = ModelCard(labels=plain.labels, size_hw=(8, 8), scale=scale)
    build = Deployed.open(graph(tmp_path / "m.onnx", kind=kind), card=card)
    np.testing.assert_allclose(build.read([picture(200, 10)]).logits, [[200 * scale, 10 * scale]], rtol=1e-3)


@pytest.mark.parametrize(("half", "least"), [(False, 1.1754944e-38), (True, 2.0**-24)])
def test_a_probability_of_nothing_is_the_least_that_its_type_holds(tmp_path: Path, half: bool, least: float) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(graph(tmp_path / "m.onnx"))
    kinds = onnx.TensorProto
    to = kinds.FLOAT16 if half else kinds.FLOAT
    model.graph.node.append(onnx.helper.make_node("Cast", ["logits"], ["out"], to=to))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("out", to, None))
    onnx.save(model, tmp_path / "m.onnx")
    card = ModelCard(labels=("red", "green"), size_hw=(8, 8), output="probabilities")
    logits = Deployed.open(tmp_path / "m.onnx", card=card).read([picture(255, 0)]).logits
    np.testing.assert_allclose(logits, np.log([[1.0, least]]), rtol=1e-5)


def test_more_pictures_than_one_batch_are_read_in_order(tmp_path: Path, plain: ModelCard) -> None:
    build = Deployed.open(graph(tmp_path / "m.onnx"), card=plain)
    shades = list(range(100))
    logits = build.read([picture(shade, 0) for shade in shades]).logits
    np.testing.assert_allclose(logits[:, 0] * 255, shades, atol=1e-3)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("I am a text file.\n")
    with pytest.raises(FileError, match=r"text\.onnx is not an ONNX model but a text"):
        Deployed.open(tmp_path / "text.onnx")
    with pytest.raises(FileError, match=r"none\.onnx: no such file; expected an ONNX model"):
        Deployed.open(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": ("n", 3, 8, 8, 8)}, r"expected one input \(n, c, h, w\)"),
        ({"kind": "DOUBLE"}, r"expected one input .*got input tensor\(double\)"),
        ({"outputs": 2}, "expected one output"),
    ],
)
def test_a_model_that_is_no_classifier_is_refused(
    tmp_path: Path, plain: ModelCard, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ModelError, FileError), match=message):
        Deployed.open(graph(tmp_path / "m.onnx", **options), card=plain)


def test_no_card_and_no_flags_says_which_flags(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"carries no card.*--labels FILE and --size PX"):
        Deployed.open(graph(tmp_path / "m.onnx"))


def test_a_card_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = graph(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"takes \[3, 8, 8\].* its card says \[3, 9, 9\]"):
        Deployed.open(path, card=ModelCard(labels=("a", "b"), size_hw=(9, 9)))
    with pytest.raises(ModelError, match="returns 2 values a picture and its card has 3 labels"):
        Deployed.open(path, card=ModelCard(labels=("a", "b", "c"), size_hw=(8, 8)))


def test_the_files_own_card_comes_before_the_flags(tmp_path: Path, plain: ModelCard) -> None:
    path = graph(tmp_path / "m.onnx", metadata=plain.to_metadata())
    assert Deployed.open(path, card=ModelCard(labels=("x", "y"), size_hw=(8, 8))).card == plain


def test_outputs_that_are_not_finite_are_a_failure_and_not_a_label(tmp_path: Path, plain: ModelCard) -> None:
    build = Deployed.open(graph(tmp_path / "m.onnx", constant=float("nan")), card=plain)
    with pytest.raises(ModelRunError, match="not finite"):
        build.read([picture(1, 2)])


def test_a_graph_that_fails_while_running_is_a_runtime_failure(tmp_path: Path, plain: ModelCard) -> None:
    """Opened with one picture it is fine; a second one does not fit through its Reshape."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(graph(tmp_path / "m.onnx"))
    model.graph.initializer.append(onnx.helper.make_tensor("row", onnx.TensorProto.INT64, [2], [1, 2]))
    model.graph.node.append(onnx.helper.make_node("Reshape", ["logits", "row"], ["out"]))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None))
    onnx.save(model, tmp_path / "m.onnx")
    build = Deployed.open(tmp_path / "m.onnx", card=plain)
    with pytest.raises(ModelRunError, match=r"onnxruntime could not run .*m\.onnx: Non-zero status code.*Reshape"):
        build.read([picture(1, 2), picture(3, 4)])
    assert build.read([picture(1, 2)]).logits.shape == (1, 2)


def test_errors_that_are_not_onnxruntimes_pass_the_boundary_unchanged() -> None:
    with pytest.raises(KeyError), ort_errors("loading", FileError, name="m"):
        raise KeyError("ours")
    with pytest.raises(OptionError), ort_errors("loading", FileError, name="m"):
        raise OptionError("ours")
    with pytest.raises(FileError, match="loading: RuntimeError"), ort_errors("loading", FileError, name="m"):
        raise RuntimeError
    with pytest.raises(FileError, match=r"^loading: no protobuf$"), ort_errors("loading", FileError, name="m"):
        raise RuntimeError("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : no protobuf\nmore")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threads": -1}, OptionError, "from 0"),
        ({"level": "most"}, OptionError, "unknown optimisation level"),
        ({"providers": ("CUDAExecutionProviderr",)}, OptionError, "unknown execution provider"),
    ],
)
def test_session_options_refuse_what_would_be_replaced_in_silence(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SessionOptions(**options)


def test_session_options_reach_onnxruntime() -> None:
    native = SessionOptions(threads=3, level="basic").native()
    assert native.intra_op_num_threads == 3
    assert native.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert native.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(("text", "expected"), [("150000 100000\n", 2), ("max 100000\n", 2**16), ("x", 2**16)])
def test_a_container_quota_limits_the_threads(tmp_path: Path, text: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert threads._quota(tmp_path / "cpu.max") == expected
    assert threads._quota(tmp_path / "none") == 2**16
    assert threads.usable_threads() >= 1


def test_a_function_is_a_reader_too(brightness: FunctionReader) -> None:
    reading = brightness.read([np.full((20, 20, 3), 130, np.uint8), np.zeros((5, 5, 3), np.uint8)])
    assert reading.labels == ("bright", "dark")
    np.testing.assert_allclose(reading.margin([1, 1]), [5.0, -255.0])
    assert brightness.read([]).logits.shape == (0, 2)


def test_probabilities_become_logits_without_infinities() -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(8, 8), output="probabilities")
    reading = FunctionReader(card, lambda prepared: np.tile([0.25, 0.75], (len(prepared), 1))).read(
        [picture(0, 0), picture(0, 0)]
    )
    np.testing.assert_allclose(reading.confidence, [0.75, 0.75], rtol=1e-6)
    np.testing.assert_allclose(reading.margin([1, 0]), [np.log(3), -np.log(3)], rtol=1e-6)
    sure = FunctionReader(card, lambda prepared: np.tile([0.0, 1.0], (len(prepared), 1))).read([picture(0, 0)])
    assert np.isfinite(sure.logits).all()


def test_the_confidence_of_large_logits_is_finite() -> None:
    card = ModelCard(labels=("a", "b"), size_hw=(8, 8))
    reading = Reading(logits=np.array([[1e4, -1e4]], np.float32), card=card)
    np.testing.assert_array_equal(reading.confidence, [1.0])


def test_an_unknown_label_is_suggested(brightness: FunctionReader) -> None:
    with pytest.raises(UnknownName, match="did you mean 'bright'"):
        brightness.card.index("brigth")
