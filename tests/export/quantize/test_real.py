"""Static int8 by its defaults, on a network trained by others and photographs that it was not calibrated on."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from misread.export.origin import Preparation
from misread.export.quantize.options import StaticOptions
from misread.export.quantize.run import QuantizeOptions, quantize
from misread.export.run import ExportOptions, export_builds

if TYPE_CHECKING:
    from misread.export.quantize.make import Made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 in fp32; beside it every other photograph in `calibration`, and the rest in `measured.csv`."""
    zoo, out = shared_data.parent / "models" / "zoo.py", tmp_path_factory.mktemp("real") / "fp32.onnx"
    if not zoo.is_file():
        pytest.skip("no model zoo beside the checkout")
    photos = sorted((shared_data / "imagenet" / "photos").glob("*.JPEG"))
    (out.parent / "calibration").mkdir()
    for photo in photos[::2]:
        (out.parent / "calibration" / photo.name).symlink_to(photo)
    rows = [(photo, int(photo.name[:3]) + 1) for photo in photos[1::2]]
    with (out.parent / "measured.csv").open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([("file", "label"), *rows])
    export_builds(
        ExportOptions(
            origin=f"{zoo}:imagenet_mobilenet_v2",
            out=out,
            labels=Path("none"),
            size_hw=(224, 224),
            preparation=Preparation(resize="crop", resize_px=256),
        )
    )
    return out


def made_of(network: Path, tmp_path: Path, settings: StaticOptions, max_drop: float | None) -> Made:
    folder = network.parent
    wanted = QuantizeOptions(
        model=network,
        out=tmp_path / "int8.onnx",
        int8=settings,
        calibration_data=folder / "calibration",
        data=folder / "measured.csv",
        max_drop=max_drop,
    )
    return quantize(wanted).build.made


def test_the_defaults_cost_a_point_at_most(network: Path, tmp_path: Path) -> None:
    made = made_of(network, tmp_path, StaticOptions(), None)
    assert made.cost is not None
    assert made.cost.float32.hits >= 88
    assert made.cost.drop <= 1.0
    assert made.cost.lost + made.cost.gained <= 8


def test_two_convolutions_are_what_one_scale_for_all_breaks(network: Path, tmp_path: Path) -> None:
    settings = StaticOptions(method="minmax", per_channel=False, target="x86-vnni")
    made = made_of(network, tmp_path, settings, 6.0)
    assert made.trials[0].cost.drop > 50
    assert {"node_conv2d_1", "node_conv2d_7"} <= {layer.node for layer in made.kept_float}
    assert len(made.kept_float) <= 4
    assert made.cost is not None
    assert made.cost.drop <= 6.0
