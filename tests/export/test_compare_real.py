"""The comparison on real networks and photographs, and recorded inputs of code that others would write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

import onnx
from PIL import Image
from typer.testing import CliRunner

from misread.assets import scenes_csv
from misread.card import ModelCard
from misread.cli import app
from misread.data import find_samples
from misread.export.drift import layer_drift
from misread.export.onnx import export_onnx
from misread.export.origin import load_origin
from misread.export.pictures import shipped
from misread.export.quantize import RECIPES
from misread.export.quantize.base import apply
from misread.export.quantize.calibrate import Calibration
from misread.export.reader import open_twin
from misread.labels import read_labels
from misread.registry import by_name
from misread.runtime.compare import CompareOptions, compare
from misread.runtime.compare.path import explain_function
from misread.runtime.session import Deployed
from tests.runtime.compare.builds import read_in_this_process

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.slow

PLANTED: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("bgr", {"colour": "bgr"}, "colour"),
    ("no antialias", {"antialias": False}, "antialias"),
    ("bicubic", {"interpolation": "bicubic"}, "kernel"),
    ("crop fraction", {"resize_px": 240}, "crop"),
    ("squash", {"resize": "squash", "resize_px": None}, "resize"),
    ("0..255", {"scale": 1.0}, "scale"),
    ("wrong std", {"std": (0.8, 0.8, 0.8)}, "std"),
)


def carded(source: Path, target: Path, **changed: Any) -> Path:
    """Copy a build with another card in it."""
    model = onnx.load(source)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    card = ModelCard.from_metadata(metadata)
    assert card is not None
    model.ClearField("metadata_props")
    onnx.helper.set_model_props(model, {**metadata, **replace(card, **changed).to_metadata()})
    onnx.save(model, target)
    return target


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("signs")
    origin = load_origin("signs")
    export_onnx(origin.twin, origin.card, folder / "fp32.onnx")
    pictures = Calibration(pictures=shipped(origin.card), card=origin.card)
    apply(by_name("precision", RECIPES, "int8"), folder / "fp32.onnx", folder / "int8.onnx", pictures)
    return {name: folder / f"{name}.onnx" for name in ("fp32", "int8")}


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards are what is looked at; the builds of signs below are read in processes of their own."""
    read_in_this_process(monkeypatch)


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(("changed", "stage"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_wrong_card_of_a_real_network_is_named(
    mobilenet: Path, shared_data: Path, tmp_path: Path, changed: dict[str, Any], stage: str
) -> None:
    options = CompareOptions(data=shared_data / "imagenet/photos", limit=12, noise_pictures=1)
    other = Deployed.open(carded(mobilenet, tmp_path / "b.onnx", **changed))
    found = compare(Deployed.open(mobilenet), other, options)
    assert [change.stage for change in found.paths[0].culprits] == [stage], found.sentence


RECORDED: Final[tuple[tuple[str, dict[str, Any], list[str]], ...]] = (
    ("clean", {}, []),
    ("bgr", {"bgr": True}, ["colour"]),
    ("bicubic", {"kernel": Image.Resampling.BICUBIC}, ["kernel"]),
    ("crop fraction", {"short": 240}, ["crop"]),
    ("squash", {"short": 0}, ["resize"]),
    ("0..255", {"scale": 1.0}, ["scale"]),
    ("std", {"std": 0.8}, ["std"]),
)


@pytest.mark.parametrize(("how", "stages"), [case[1:] for case in RECORDED], ids=[case[0] for case in RECORDED])
def test_what_a_device_fed_to_a_real_network_is_explained(
    mobilenet: Path, shared_data: Path, how: dict[str, Any], stages: list[str]
) -> None:
    def device(
        path: Path,
        *,
        kernel: Any = Image.Resampling.BILINEAR,
        short: int = 256,
        bgr: bool = False,
        scale: float = 1 / 255,
        std: float = 1.0,
    ) -> np.ndarray:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        if short:
            ratio = short / min(image.size)
            size = tuple(max(short, int(side * ratio + 1e-6)) for side in image.size)
            left, top = (round((side - 224) / 2) for side in size)
            image = image.resize((size[0], size[1]), kernel).crop((left, top, left + 224, top + 224))
        else:
            image = image.resize((224, 224), kernel)
        pixels = np.asarray(image, np.float32)[..., :: -1 if bgr else 1]
        return np.asarray(pixels * np.float32(scale) / np.float32(std)).transpose(2, 0, 1)

    found = explain_function(
        lambda path: device(path, **how), shared_data / "imagenet/photos", Deployed.open(mobilenet).card, pictures=8
    )
    assert [change.stage for change in found.culprits] == stages, found.sentence
    assert found.explained


def test_the_int8_build_of_signs_is_fed_like_its_float_build(signs: dict[str, Path]) -> None:
    found = compare(open_twin("signs"), Deployed.open(signs["int8"]), CompareOptions(data=scenes_csv()))
    assert found.exit_code == 0
    assert found.paths[0].culprits == ()
    assert "the model, not the path, is the difference" in found.sentence
    assert [entry.setting for entry in found.a.noise.measured_over] == [
        "batch 1",
        "fresh process",
        "fresh process, 1 thread",
    ]
    assert found.a.noise.skipped == ()


def test_a_state_dict_and_its_author_s_own_export_are_one_network(zoo: ModuleType, shared_data: Path) -> None:
    names = shared_data / "gtsrb/classes.csv"
    twin = open_twin(f"{zoo.__file__}:gtsrb_simplecnn", labels=names, size_hw=(32, 32))
    card = ModelCard(labels=read_labels(names), size_hw=(32, 32))
    build = Deployed.open(shared_data / "gtsrb/simplecnn.onnx", card=card)
    found = compare(twin, build, CompareOptions(data=scenes_csv().parent, noise_pictures=4))
    assert found.agreement.share == 1
    assert "their outputs agree up to noise" in found.sentence
    drift = layer_drift(twin, build, find_samples(scenes_csv().parent, card.labels)[:2])
    assert {layer.matched for layer in drift.layers} == {"structure"}
    assert (drift.jump, drift.unmatched, len(drift.layers)) == (None, 0, 4)


def test_the_command_takes_an_origin_and_a_build(signs: dict[str, Path]) -> None:
    argv = ["compare", "signs", str(signs["int8"]), "--data", str(scenes_csv()), "--limit", "4", "--layers"]
    said = CliRunner().invoke(app, argv)
    assert said.exit_code == 0, said.output
    assert "layer, worst first" in said.stdout
    assert "A and B agree on 4/4" in said.stdout
