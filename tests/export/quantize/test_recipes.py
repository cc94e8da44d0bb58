"""The contract of every recipe, and what is particular to int8."""

from __future__ import annotations

from dataclasses import replace
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
from misread.export.quantize.calibrate import Calibration
from misread.export.quantize.float16 import Float16
from misread.export.quantize.int8_dynamic import Int8Dynamic
from misread.export.quantize.int8_static import Int8Static
from misread.export.quantize.options import METHODS, Method, StaticOptions
from misread.export.quantize.target import TARGETS
from misread.runtime.session import Deployed
from tests.export.nets import blobs, clear_blobs, tiny_card

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


@pytest.fixture
def calibration() -> Calibration:
    prepared = blobs(12, size_hw=(16, 16))
    pictures = Pictures(prepared=prepared, names=tuple(map(str, range(12))), source="drawn")
    return Calibration(pictures=pictures, card=tiny_card())


def given(recipe: Recipe, calibration: Calibration) -> Calibration | None:
    return calibration if recipe.needs_pictures else None


@each_recipe
def test_a_recipe_keeps_the_card_and_the_labels_and_is_clean(
    recipe: Recipe,
    exported: Path,
    tmp_path: Path,
    calibration: Calibration,
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
    recipe: Recipe, exported: Path, tmp_path: Path, calibration: Calibration
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

    def make(self, source: Path, calibration: Calibration | None) -> onnx.ModelProto:
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


class TestInt8:
    @pytest.fixture
    def built(self, exported: Path, calibration: Calibration) -> onnx.ModelProto:
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

    def test_pictures_are_needed(self, exported: Path) -> None:
        with pytest.raises(ModelError, match="add --calibration-data"):
            Int8Static().make(exported, None)

    def test_the_card_of_the_calibration_feeds_it(
        self, exported: Path, tmp_path: Path, calibration: Calibration
    ) -> None:
        """A file of a stranger has no card of ours; what it is fed with must not depend on that."""
        model = read_model(exported)
        model.ClearField("metadata_props")
        bare = tmp_path / "bare.onnx"
        bare.write_bytes(model.SerializeToString())
        assert scales(Int8Static().make(bare, calibration)) == scales(Int8Static().make(exported, calibration))
        dark = replace(calibration, card=replace(tiny_card(), scale=1 / 2550))
        assert scales(Int8Static().make(bare, dark)) != scales(Int8Static().make(bare, calibration))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("per_channel", [True, False])
    @pytest.mark.parametrize("target", [target.name for target in TARGETS])
    def test_every_choice_makes_a_build_that_says_the_same(
        self,
        exported: Path,
        tmp_path: Path,
        calibration: Calibration,
        *,
        method: Method,
        per_channel: bool,
        target: str,
    ) -> None:
        recipe = Int8Static(options=StaticOptions(method=method, per_channel=per_channel, target=target))
        apply(recipe, exported, tmp_path / "int8.onnx", calibration)
        pictures = list(clear_blobs(16, seed=9))
        float32, built = Deployed.open(exported).read(pictures), Deployed.open(tmp_path / "int8.onnx").read(pictures)
        assert (float32.classes == built.classes).mean() >= 0.9
        assert activation_types(read_model(tmp_path / "int8.onnx")) == (
            {onnx.TensorProto.UINT8} if target.startswith("x86") else {onnx.TensorProto.INT8}
        )

    def test_seven_bits_where_sums_would_saturate(self, exported: Path, calibration: Calibration) -> None:
        for target, most in (("x86", 64), ("x86-vnni", 127)):
            model = Int8Static(options=StaticOptions(target=target)).make(exported, calibration)
            weights = [onnx.numpy_helper.to_array(t) for t in model.graph.initializer if len(t.dims) == 4]
            assert [np.abs(weight.astype(int)).max() for weight in weights] == [most]

    def test_symmetric_ranges_have_zero_in_the_middle(self, exported: Path, calibration: Calibration) -> None:
        model = Int8Static(options=StaticOptions(target="gpu")).make(exported, calibration)
        assert zero_points(model) == {0}
        free = Int8Static(options=StaticOptions(target="gpu", symmetric=False)).make(exported, calibration)
        assert zero_points(free) != {0}

    def test_noise_is_refused(self, exported: Path, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
        drawn = Pictures(prepared=noise, names=("n",) * 20, source="noise/")
        calibration = Calibration(pictures=drawn, card=tiny_card())
        with pytest.raises(InputError, match="20 are noise"):
            apply(Int8Static(), exported, tmp_path / "int8.onnx", calibration)


def test_dynamic_int8_stores_a_quarter_and_learns_nothing(exported: Path, tmp_path: Path) -> None:
    apply(Int8Dynamic(), exported, tmp_path / "dynamic.onnx", None)
    model = read_model(tmp_path / "dynamic.onnx")
    assert {"DynamicQuantizeLinear", "ConvInteger"} <= operators(model)
    stored = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
    assert stored == {onnx.TensorProto.UINT8}  # signed ones are read wrong by some of onnxruntime's kernels


def scales(model: onnx.ModelProto) -> list[float]:
    return sorted(
        float(onnx.numpy_helper.to_array(tensor).ravel()[0])
        for tensor in model.graph.initializer
        if tensor.name.endswith("_scale")
    )


def quantised_by(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    return [tensors[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"]


def activation_types(model: onnx.ModelProto) -> set[int]:
    return {tensor.data_type for tensor in quantised_by(model)}


def zero_points(model: onnx.ModelProto) -> set[int]:
    return {int(onnx.numpy_helper.to_array(tensor)) for tensor in quantised_by(model)}


def test_fp16_halves_the_weights(exported: Path, tmp_path: Path) -> None:
    apply(Float16(), exported, tmp_path / "fp16.onnx", None)
    model = onnx.load(tmp_path / "fp16.onnx")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {t.data_type for t in model.graph.initializer if len(t.dims) == 4} == {onnx.TensorProto.FLOAT16}


def test_operators_are_named(exported: Path) -> None:
    assert {"Conv", "Gemm", "Relu"} <= operators(read_model(exported))
    assert ModelCard.from_metadata(read_metadata(read_model(exported))) == tiny_card()
    assert recipes.operators is operators
