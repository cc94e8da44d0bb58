"""`misread quantize` as a library call: files whole or absent, held against the float file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from misread.cards import GIVEN, OWN
from misread.errors import CheckFailed, FileError, InputError, ModelError, OptionError, UnknownName
from misread.export import build as builds
from misread.export.onnx_file import describe, read_metadata, read_model
from misread.export.parity import Tolerance
from misread.export.pictures import SHIPPED
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.run import QuantizeOptions, quantize
from misread.files import sha256_file
from misread.pixels import write_png
from misread.runtime.session import Deployed
from tests.export.quantize import plants


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return plants.planted(tmp_path / "net.onnx", "none")


def write_pictures(folder: Path, count: int, seed: int) -> Path:
    """Write class folders of drawn pictures."""
    for number, (picture, label) in enumerate(zip(*plants.colours(count, seed), strict=True)):
        write_png(folder / plants.CARD.labels[label] / f"{seed}-{number:02}.png", picture)
    return folder


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "calibration", 40, 1)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "measured", 50, 2)


def options(source: Path, **more: Any) -> QuantizeOptions:
    return QuantizeOptions(**{"model": source, "out": source.parent / "out" / "int8.onnx", **more})


def written(wanted: QuantizeOptions) -> list[str]:
    return sorted(path.name for path in wanted.out.parent.iterdir()) if wanted.out.parent.exists() else []


def test_int8_with_its_forms_and_its_cost(source: Path, calibration: Path, measured: Path) -> None:
    before, said = source.read_bytes(), []
    wanted = options(source, calibration_data=calibration, data=measured, static_twin=True, ort_format=True)
    result = quantize(wanted, progress=lambda *step: said.append(step))
    build = result.build
    assert source.read_bytes() == before
    assert written(wanted) == ["int8.onnx", "int8.ort", "int8_b1.onnx"]
    assert build.file == describe(wanted.out)
    assert [(form.form, form.path.name) for form in build.variants] == [
        ("batch-1", "int8_b1.onnx"),
        ("ort", "int8.ort"),
    ]
    assert all(form.sha256 == sha256_file(form.path) for form in build.variants)
    assert all(Deployed.open(path).card == plants.CARD for path in wanted.out.parent.iterdir())
    assert build.parity.agreement.hits == build.parity.agreement.total == 50
    assert build.made.cost is not None
    assert (build.made.cost.build.total, build.made.cost.drop) == (50, 0)
    assert build.made.options == StaticOptions().settled()
    assert (result.calibration, result.calibration_from) == (40, str(calibration))
    assert (result.card_from, result.model_sha256) == ((OWN,), sha256_file(source))
    assert said[0] == ("reading net.onnx", 0, 0)
    assert said[-1] == ("done", 1, 1)


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic", "keep"])
def test_precisions_without_calibration(source: Path, precision: str) -> None:
    result = quantize(options(source, precision=precision))
    assert (result.calibration, result.calibration_from, result.build.precision) == (0, "", precision)
    assert result.build.parity.pictures == SHIPPED
    assert result.build.made.options is None


def test_a_quantised_file_is_kept_and_gets_its_forms(source: Path, calibration: Path) -> None:
    first = quantize(options(source, calibration_data=calibration)).build
    again = options(first.file.path, out=source.parent / "again.onnx", precision="keep", static_twin=True)
    quantize(again)
    assert Deployed.open(source.parent / "again_b1.onnx").fixed_batch == 1
    assert describe(source.parent / "again.onnx").operators == first.file.operators


def test_without_data_a_quarter_is_held_back_to_compare_on(source: Path, calibration: Path) -> None:
    result = quantize(options(source, calibration_data=calibration))
    assert (result.calibration, result.build.parity.agreement.total) == (30, 10)
    assert result.build.made.cost is None


def test_a_strangers_file_goes_by_flags_and_leaves_with_a_card(tmp_path: Path, calibration: Path) -> None:
    bare = plants.planted(tmp_path / "bare.onnx", "none", card=False)
    with pytest.raises(ModelError, match="give --labels FILE and --size PX"):
        quantize(options(bare, calibration_data=calibration))
    result = quantize(options(bare, calibration_data=calibration, card=plants.CARD))
    assert result.card_from == (GIVEN,)
    assert Deployed.open(result.build.file.path).card == plants.CARD


def test_a_strangers_metadata_stay_as_they_are(tmp_path: Path, calibration: Path) -> None:
    bare = plants.planted(tmp_path / "bare.onnx", "none", card=False)
    model = read_model(bare)
    onnx.helper.set_model_props(model, {"names": "{0: 'red', 1: 'green', 2: 'blue'}", "task": "classify", "by": "them"})
    bare.write_bytes(model.SerializeToString())
    result = quantize(options(bare, calibration_data=calibration, card=plants.CARD))
    kept = read_metadata(read_model(result.build.file.path))
    assert (kept["by"], kept["names"]) == ("them", "{0: 'red', 1: 'green', 2: 'blue'}")
    assert Deployed.open(result.build.file.path).card_sources == (OWN,)


def test_timms_own_metadata_are_a_card(tmp_path: Path, calibration: Path, measured: Path) -> None:
    bare = plants.planted(tmp_path / "bare.onnx", "none", card=False)
    model = read_model(bare)
    said = {"input_size": [3, 8, 8], "interpolation": "bilinear", "crop_pct": 1.0, "crop_mode": "squash"}
    said |= {"mean": [0, 0, 0], "std": [1, 1, 1], "label_names": list(plants.CARD.labels)}
    onnx.helper.set_model_props(model, {"pretrained_cfg": json.dumps(said)})
    bare.write_bytes(model.SerializeToString())
    result = quantize(options(bare, calibration_data=calibration, data=measured))
    assert result.card_from == ("timm metadata",)
    assert result.build.made.cost is not None
    assert result.build.made.cost.build.hits == 50
    kept = read_metadata(read_model(result.build.file.path))
    assert json.loads(kept["pretrained_cfg"]) == said


def test_the_card_decides_what_is_calibrated_on(tmp_path: Path, calibration: Path, measured: Path) -> None:
    """A network that takes 0..255 must learn ranges to 255: a wrong card would cost nearly all accuracy."""
    model = read_model(plants.planted(tmp_path / "net.onnx", "none", card=False))
    for tensor in model.graph.initializer:
        if tensor.name == "conv0.w":
            scaled = (onnx.numpy_helper.to_array(tensor) / 255).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(scaled, "conv0.w"))
    (tmp_path / "wide.onnx").write_bytes(model.SerializeToString())
    wanted = options(tmp_path / "wide.onnx", calibration_data=calibration, data=measured)
    result = quantize(replace(wanted, card=replace(plants.CARD, scale=1.0)))
    assert result.build.made.cost is not None
    assert result.build.made.cost.build.hits == 50


def test_no_picture_is_learnt_from_and_measured(source: Path, calibration: Path, measured: Path) -> None:
    for number, picture in enumerate(plants.colours(40, 1)[0][:15]):  # copies, under other names
        write_png(measured / "red" / f"copy-{number}.png", picture)
    result = quantize(options(source, calibration_data=calibration, data=measured))
    assert result.build.made.cost is not None
    assert result.build.made.cost.build.total == 50
    assert any("15 pictures of" in note and "left out" in note for note in result.build.made.notes)


def test_one_folder_for_both_is_shared_out_or_refused(source: Path, calibration: Path) -> None:
    wanted = options(source, calibration_data=calibration, data=calibration)
    with pytest.raises(InputError, match=r"every picture of \S+ is also among those of \S+ that ranges are"):
        quantize(wanted)
    result = quantize(replace(wanted, calibration_pictures=25))
    assert result.build.made.cost is not None
    assert (result.calibration, result.build.made.cost.build.total) == (25, 15)


def test_a_budget_is_searched_for_and_said(tmp_path: Path, calibration: Path, measured: Path) -> None:
    source = plants.planted(tmp_path / "broken.onnx", "activation")
    settings = StaticOptions(method="minmax", per_channel=True, target="x86-vnni")
    wanted = options(source, calibration_data=calibration, data=measured, max_drop=2.0, int8=settings, ort_format=True)
    made = quantize(wanted).build.made
    assert {layer.node for layer in made.kept_float} == {"broken", "conv2"}
    assert made.cost is not None
    assert made.cost.drop <= 2.0 < made.trials[0].cost.drop
    assert written(wanted) == ["int8.onnx", "int8.ort"]


def test_a_budget_that_cannot_be_met_writes_nothing(tmp_path: Path, calibration: Path, measured: Path) -> None:
    settings = StaticOptions(method="minmax", per_channel=True)
    source = plants.alone(tmp_path / "hopeless.onnx")
    wanted = options(source, calibration_data=calibration, data=measured, max_drop=0.5, int8=settings)
    with pytest.raises(CheckFailed, match=r"cannot be made of this model within 0\.5 points"):
        quantize(wanted)
    assert written(wanted) == []


def test_a_build_that_disagrees_is_not_written(tmp_path: Path, calibration: Path) -> None:
    wanted = options(plants.planted(tmp_path / "broken.onnx", "activation"), calibration_data=calibration)
    with pytest.raises(CheckFailed, match=r"int8\.onnx is not the classifier .* it agrees with broken\.onnx on"):
        quantize(wanted)
    assert written(wanted) == []


def test_when_a_form_fails_nothing_is_written(source: Path, calibration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(*_: object, **__: object) -> None:
        raise ModelError("planted")

    monkeypatch.setattr(builds, "write_variant", planted)
    wanted = options(source, calibration_data=calibration, ort_format=True)
    with pytest.raises(ModelError, match="planted"):
        quantize(wanted)
    assert written(wanted) == []


@pytest.mark.parametrize("there", ["int8.onnx", "int8_b1.onnx", "int8.ort"])
def test_what_exists_is_not_replaced_unasked(source: Path, calibration: Path, there: str) -> None:
    wanted = options(source, calibration_data=calibration, static_twin=True, ort_format=True)
    wanted.out.parent.mkdir()
    (wanted.out.parent / there).write_bytes(b"mine")
    with pytest.raises(InputError, match="exists already; add --overwrite"):
        quantize(wanted)
    assert (wanted.out.parent / there).read_bytes() == b"mine"
    quantize(replace(wanted, overwrite=True))
    assert (wanted.out.parent / there).read_bytes() != b"mine"


def test_pictures_are_needed_and_must_have_labels(source: Path, calibration: Path) -> None:
    with pytest.raises(InputError, match="int8 learns its ranges from real pictures; add --calibration-data DIR"):
        quantize(options(source))
    with pytest.raises(InputError, match="accuracy needs labels and"):
        quantize(options(source, calibration_data=calibration, data=calibration / "red"))
    with pytest.raises(FileError, match="no such folder"):
        quantize(options(source, calibration_data=calibration / "nowhere"))


def test_weights_in_other_files_are_refused(source: Path, calibration: Path) -> None:
    onnx.save_model(read_model(source), source, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match="keeps weights in other files"):
        quantize(options(source, calibration_data=calibration))


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        ({"precision": "int4"}, UnknownName, "unknown precision 'int4'"),
        ({"out": Path("a.ort")}, OptionError, "the output is an ONNX file"),
        ({"model": Path("a.pt")}, OptionError, "the model is an ONNX file"),
        ({"out": Path("x.onnx"), "model": Path("x.onnx")}, OptionError, "is the model itself"),
        ({"parity_pictures": 0}, OptionError, "at least one picture"),
        ({"max_drop": 1.0}, OptionError, "add --data DIR"),
        ({"max_drop": float("nan"), "data": Path("d")}, OptionError, "from 0 to 100, got nan"),
        ({"max_drop": -1, "data": Path("d")}, OptionError, "from 0 to 100, got -1"),
        ({"max_drop": 1, "data": Path("d"), "precision": "fp16"}, OptionError, "fp16 has none; add int8"),
    ],
)
def test_nonsense_is_refused_at_birth(bad: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        options(Path("m.onnx"), **bad)


def test_a_tolerance_of_ones_own(source: Path, calibration: Path) -> None:
    with pytest.raises(CheckFailed, match="a logit differs by"):
        quantize(options(source, calibration_data=calibration, tolerance=Tolerance(agreement=0, relative=1e-9)))
