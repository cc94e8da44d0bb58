"""Drift by layer: what was planted in the middle is named, whatever the tensors are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
from onnx import numpy_helper

from misread.assets import scenes_csv
from misread.data import find_samples
from misread.errors import ModelError
from misread.export.drift import layer_drift
from misread.export.drift.graph import Step, Steps, steps_of
from misread.export.drift.match import matches
from misread.export.onnx import export_onnx
from misread.export.onnx_file import read_model
from misread.export.origin import load_origin
from misread.export.pictures import shipped
from misread.export.quantize import RECIPES
from misread.export.quantize.base import apply
from misread.export.quantize.calibrate import Calibration
from misread.export.reader import open_twin
from misread.registry import by_name
from misread.runtime.compare.drift import Drift, Layer
from misread.runtime.session import Deployed, FunctionReader

if TYPE_CHECKING:
    from misread.data import Sample


FAULTY: Final = "body.features.7.weight"


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sign classifier as fp32, fp16 and int8 files."""
    folder = tmp_path_factory.mktemp("signs")
    origin = load_origin("signs")
    found = {"fp32": folder / "signs.onnx"}
    export_onnx(origin.twin, origin.card, found["fp32"])
    for name in ("fp16", "int8"):
        found[name] = folder / f"{name}.onnx"
        pictures = Calibration(pictures=shipped(origin.card), card=origin.card)
        apply(by_name("precision", RECIPES, name), found["fp32"], found[name], pictures)
    return found


@pytest.fixture(scope="session")
def pictures() -> tuple[Sample, ...]:
    return find_samples(scenes_csv(), load_origin("signs").card.labels)[:4]


def planted(source: Path, target: Path, weight: str) -> Path:
    """Turn the sign of a quarter of a weight's filters."""
    model = onnx.load(source)
    (tensor,) = (entry for entry in model.graph.initializer if entry.name == weight)
    values = numpy_helper.to_array(tensor).copy()
    values[: len(values) // 4] *= -1
    tensor.CopyFrom(numpy_helper.from_array(values, weight))
    onnx.save(model, target)
    return target


def renamed(source: Path, target: Path) -> Path:
    """Give every inner tensor another name."""
    model = onnx.load(source)
    ends = {entry.name for entry in (*model.graph.input, *model.graph.output, *model.graph.initializer)}
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [name if name in ends or not name else f"/other/{name}_x" for name in names]
    model.graph.ClearField("value_info")
    onnx.save(model, target)
    return target


def drift(a: Path, b: Path, pictures: tuple[Sample, ...]) -> Drift:
    return layer_drift(Deployed.open(a), Deployed.open(b), pictures)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_sound_build_drifts_without_a_jump(
    builds: dict[str, Path], pictures: tuple[Sample, ...], precision: str
) -> None:
    found = drift(builds["fp32"], builds[precision], pictures)
    assert found.jump is None
    assert found.unmatched == 0
    assert {layer.matched for layer in found.layers} == {"name"}
    assert found.layers[-1].name == "logits"
    if precision == "fp32":
        assert all(layer.snr_db is None for layer in found.layers)
    else:
        assert found.worst[0].snr_db == min(layer.snr_db or 999.0 for layer in found.layers)
        assert found.worst[0].snr_db > 20


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_wrong_weight_in_the_middle_is_named(
    builds: dict[str, Path], pictures: tuple[Sample, ...], tmp_path: Path, precision: str
) -> None:
    weight = FAULTY if precision == "fp32" else f"{FAULTY}_quantized"
    found = drift(builds["fp32"], planted(builds[precision], tmp_path / "b.onnx", weight), pictures)
    assert found.jump is not None
    assert found.jump.weight == FAULTY
    assert FAULTY in found.sentence


def test_it_is_named_where_all_tensors_have_other_names(
    builds: dict[str, Path], pictures: tuple[Sample, ...], tmp_path: Path
) -> None:
    other = renamed(planted(builds["fp32"], tmp_path / "b.onnx", FAULTY), tmp_path / "c.onnx")
    found = drift(builds["fp32"], other, pictures)
    assert {layer.matched for layer in found.layers} == {"structure"}
    assert found.unmatched == 0
    assert found.jump is not None
    assert found.jump.weight == FAULTY
    clean = drift(builds["fp32"], renamed(builds["fp32"], tmp_path / "d.onnx"), pictures)
    assert (clean.jump, clean.unmatched) == (None, 0)
    quantised = drift(builds["fp32"], renamed(builds["int8"], tmp_path / "e.onnx"), pictures)
    assert (quantised.jump, quantised.unmatched) == (None, 0)


def test_an_origin_is_exported_for_it(builds: dict[str, Path], pictures: tuple[Sample, ...]) -> None:
    found = layer_drift(open_twin("signs"), Deployed.open(builds["fp32"]), pictures)
    assert (found.jump, found.unmatched) == (None, 0)
    assert all(layer.snr_db is None or layer.snr_db > 80 for layer in found.layers)


def test_a_layer_that_is_missing_is_counted(builds: dict[str, Path]) -> None:
    steps = steps_of(read_model(builds["fp32"]).graph)
    values = {name: np.random.default_rng(1).normal(size=(1, 4)).astype(np.float32) for name in steps.layers[0]}
    assert {match.name for match in matches(steps, steps, values, values)} <= set(steps.layers[0])
    assert len(steps.layers) == 7
    assert steps.layers[1] == ("getitem_3", "relu_1")


def test_layers_of_one_size_are_told_apart_by_what_they_compute() -> None:
    random = np.random.default_rng(2)
    ours = {name: random.normal(size=(1, 50)).astype(np.float32) for name in ("a1", "a2", "a3", "a4")}
    theirs = {"b1": ours["a1"] + 0.01, "b3": 2 * ours["a3"], "b4": ours["a4"]}
    a, b = (
        Steps(
            steps=tuple(Step(operator="Gemm", output=name, weight="w", after="w") for name in values),
            layers=tuple((name,) for name in values),
        )
        for values in (ours, theirs)
    )
    found = [(match.name, match.other) for match in matches(a, b, ours, theirs)]
    assert found == [("a1", "b1"), ("a3", "b3"), ("a4", "b4")]


def test_what_has_no_layers_is_refused(builds: dict[str, Path], pictures: tuple[Sample, ...], tmp_path: Path) -> None:
    build = Deployed.open(builds["fp32"])
    double = FunctionReader(build.card, lambda prepared: np.zeros((len(prepared), 43)), name="double")
    with pytest.raises(ModelError, match=r"double has no layers to look into; give an \.onnx file or an origin"):
        layer_drift(build, double, pictures)
    baked = Deployed.open(builds["fp32"])
    baked.card = replace(baked.card, baked_preprocessing=True)
    with pytest.raises(ModelError, match="prepares pictures itself"):
        layer_drift(build, baked, pictures)
    other = Deployed.open(builds["fp32"])
    other.path = tmp_path / "model.ort"
    with pytest.raises(ModelError, match=r"reads the graph of an \.onnx file, not .*model\.ort"):
        layer_drift(build, other, pictures)


def test_weights_in_other_files_are_found(
    builds: dict[str, Path], pictures: tuple[Sample, ...], tmp_path: Path
) -> None:
    split = tmp_path / "split.onnx"
    onnx.save(onnx.load(builds["fp32"]), split, save_as_external_data=True, location="split.data", size_threshold=1024)
    assert (tmp_path / "split.data").stat().st_size > 100_000
    found = drift(builds["fp32"], split, pictures)
    assert all(layer.snr_db is None for layer in found.layers)


def test_a_graph_that_cannot_be_opened_so_is_refused(
    builds: dict[str, Path], pictures: tuple[Sample, ...], tmp_path: Path
) -> None:
    build, other = Deployed.open(builds["fp32"]), Deployed.open(builds["fp32"])
    model = onnx.load(builds["fp32"])
    model.graph.node[0].op_type = "NoSuchOperator"
    other.path = tmp_path / "broken.onnx"
    onnx.save(model, other.path)
    with pytest.raises(ModelError, match="cannot be read"):
        layer_drift(build, other, pictures)


def layer(name: str, decibels: float | None) -> Layer:
    return Layer(name=name, other=name, operator="Conv", weight="", snr_db=decibels, matched="name")


@pytest.mark.parametrize(
    ("decibels", "expected"),
    [
        ((None, None), None),
        ((120, 100, 45), None),
        ((38, 33, 29, 25, 22), None),
        ((120, 25, 24), "1"),
        ((35, 30, 5, 20, 4), "2"),
        ((29, 10, 5), "1"),
        ((None, 12, 1), "1"),
    ],
)
def test_the_jump_is_the_largest_fall(decibels: tuple[float | None, ...], expected: str | None) -> None:
    found = Drift(layers=tuple(layer(str(at), one) for at, one in enumerate(decibels)), pictures=1, unmatched=0)
    assert (found.jump.name if found.jump else None) == expected


def test_nothing_matched_is_said() -> None:
    assert Drift(layers=(), pictures=1, unmatched=3).sentence == "no layer of A was found in B"
