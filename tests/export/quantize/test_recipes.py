"""The contract of every recipe, and what is particular to int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from misread.card import ModelCard
from misread.errors import InputError, ModelError, StorageError
from misread.export.onnx_file import opset_of, read_metadata, read_model
from misread.export.pictures import Pictures
from misread.export.quantize import RECIPES
from misread.export.quantize import base as recipes
from misread.export.quantize.base import Recipe, apply, operators
from misread.export.quantize.float16 import Float16
from misread.export.quantize.int8_static import Int8Static, Int8Types, _Feed, int8_types
from misread.runtime.session import Deployed
from tests.export.nets import blobs, clear_blobs, tiny_card

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


@pytest.fixture
def calibration() -> Pictures:
    prepared = blobs(12, size_hw=(16, 16))
    return Pictures(prepared=prepared, names=tuple(map(str, range(12))), source="drawn")


def given(recipe: Recipe, calibration: Pictures) -> Pictures | None:
    return calibration if recipe.needs_pictures else None


@each_recipe
def test_a_recipe_keeps_the_card_and_the_labels_and_is_clean(
    recipe: Recipe,
    exported: Path,
    tmp_path: Path,
    calibration: Pictures,
    capfd: pytest.CaptureFixture[str],
) -> None:
    target, before = tmp_path / "build.onnx", exported.read_bytes()
    file = apply(recipe, exported, target, given(recipe, calibration))
    model = onnx.load(target)
    assert exported.read_bytes() == before
    assert read_metadata(model) == read_metadata(read_model(exported))
    used = {node.domain for node in model.graph.node} | {""}
    assert {entry.domain for entry in model.opset_import} <= used
    assert bytes(tmp_path) not in target.read_bytes()
    assert bytes(exported.parent) not in target.read_bytes()
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]
    assert (file.path, file.opset) == (target, opset_of(model))
    assert capfd.readouterr() == ("", "")
    pictures = list(clear_blobs(16, seed=9))
    float32, built = Deployed.open(exported).read(pictures), Deployed.open(target).read(pictures)
    assert (float32.classes == built.classes).mean() >= 0.9
    assert not np.array_equal(float32.logits, built.logits)  # something did change


@each_recipe
def test_a_recipe_does_not_treat_its_own_result(
    recipe: Recipe, exported: Path, tmp_path: Path, calibration: Pictures
) -> None:
    once = tmp_path / "once.onnx"
    apply(recipe, exported, once, given(recipe, calibration))
    with pytest.raises(ModelError):
        apply(recipe, once, tmp_path / "twice.onnx", given(recipe, calibration))
    assert not (tmp_path / "twice.onnx").exists()


@each_recipe
def test_a_result_that_is_not_what_it_is_called_is_refused(recipe: Recipe, exported: Path) -> None:
    with pytest.raises(ModelError):
        recipe.ensures(read_model(exported))


class Planted:
    """A recipe that fails in one of its steps."""

    name, needs_pictures = "planted", False

    def __init__(self, error: Exception) -> None:
        self.error = error

    def requires(self, source: onnx.ModelProto) -> None:
        return

    def make(self, source: Path, calibration: Pictures | None) -> onnx.ModelProto:
        raise self.error

    def ensures(self, model: onnx.ModelProto) -> None:
        return


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (RuntimeError("inside\na tool"), ModelError, "planted cannot be made of this model: RuntimeError: inside$"),
        (OSError(28, "No space left on device"), StorageError, "no space left"),
        (InputError("said well"), InputError, "^said well$"),
    ],
)
def test_errors_of_the_tools_become_one_sentence(
    exported: Path, tmp_path: Path, error: Exception, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        apply(Planted(error), exported, tmp_path / "build.onnx", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("features", "machine", "types"),
    [
        (("avx2", "avx512_vnni"), "x86_64", Int8Types(activations="uint8", reduce_range=False)),
        (("avx2", "avx_vnni"), "AMD64", Int8Types(activations="uint8", reduce_range=False)),
        (("avx2", "avx512f"), "x86_64", Int8Types(activations="uint8", reduce_range=True)),
        (("avx2",), "x86_64", Int8Types(activations="uint8", reduce_range=True)),
        ((), "x86_64", Int8Types(activations="uint8", reduce_range=True)),
        (("neon", "dotprod"), "aarch64", Int8Types(activations="int8", reduce_range=False)),
        (("neon",), "arm64", Int8Types(activations="int8", reduce_range=False)),
        (("neon",), "armv7l", Int8Types(activations="int8", reduce_range=False)),
    ],
)
def test_types_for_a_cpu(features: tuple[str, ...], machine: str, types: Int8Types) -> None:
    assert int8_types(features, machine) == types


class TestInt8:
    @pytest.fixture
    def built(self, exported: Path, calibration: Pictures) -> onnx.ModelProto:
        return Int8Static().make(exported, calibration)

    def test_weights_are_per_channel_and_logits_in_float(self, built: onnx.ModelProto) -> None:
        producers = {output: node for node in built.graph.node for output in node.output}
        tensors = {tensor.name: tensor for tensor in built.graph.initializer}
        conv = next(node for node in built.graph.node if node.op_type == "Conv")
        quantised = producers[conv.input[1]]
        assert list(tensors[quantised.input[1]].dims) == [12]  # one scale a channel
        assert tensors[quantised.input[0]].data_type == onnx.TensorProto.INT8
        assert producers["logits"].op_type == "Gemm"

    def test_a_layer_left_in_float_is_refused(self, built: onnx.ModelProto, exported: Path) -> None:
        Int8Static().ensures(built)
        conv = next(node for node in built.graph.node if node.op_type == "Conv")
        conv.input[0] = "input"
        with pytest.raises(ModelError, match="int8 left Conv"):
            Int8Static().ensures(built)

    def test_nothing_to_quantise_is_refused(self) -> None:
        with pytest.raises(ModelError, match="nothing to quantise"):
            Int8Static().ensures(onnx.ModelProto())

    def test_an_old_opset_is_refused(self, exported: Path) -> None:
        model = read_model(exported)
        model.opset_import[0].version = 12
        with pytest.raises(ModelError, match="int8 needs opset 13 or later, the model has 12"):
            Int8Static().requires(model)

    def test_pictures_and_a_card_are_needed(self, exported: Path, tmp_path: Path, calibration: Pictures) -> None:
        with pytest.raises(ModelError, match="add --calibration-data"):
            Int8Static().make(exported, None)
        model = read_model(exported)
        model.ClearField("metadata_props")
        bare = tmp_path / "bare.onnx"
        bare.write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match="the model's card"):
            Int8Static().make(bare, calibration)

    def test_noise_is_refused(self, exported: Path, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
        calibration = Pictures(prepared=noise, names=("n",) * 20, source="noise/")
        with pytest.raises(InputError, match="20 are noise"):
            apply(Int8Static(), exported, tmp_path / "int8.onnx", calibration)

    def test_a_fixed_batch_is_filled_up(self, exported: Path) -> None:
        end = read_model(exported).graph.input[0]
        end.type.tensor_type.shape.dim[0].dim_value = 5
        feed = _Feed(np.arange(12, dtype=np.float32).reshape(12, 1, 1, 1), end)
        batches = [batch["input"].ravel().tolist() for batch in iter(feed.get_next, None)]
        assert batches == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 11, 11, 11]]

    def test_every_picture_is_fed_once(self, exported: Path) -> None:
        feed = _Feed(np.arange(12, dtype=np.float32).reshape(12, 1, 1, 1), read_model(exported).graph.input[0])
        assert [len(batch["input"]) for batch in iter(feed.get_next, None)] == [8, 4]


def test_fp16_halves_the_weights(exported: Path, tmp_path: Path) -> None:
    apply(Float16(), exported, tmp_path / "fp16.onnx", None)
    model = onnx.load(tmp_path / "fp16.onnx")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {t.data_type for t in model.graph.initializer if len(t.dims) == 4} == {onnx.TensorProto.FLOAT16}


def test_operators_are_named(exported: Path) -> None:
    assert {"Conv", "Gemm", "Relu"} <= operators(read_model(exported))
    assert ModelCard.from_metadata(read_metadata(read_model(exported))) == tiny_card()
    assert recipes.operators is operators
