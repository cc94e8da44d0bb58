"""Static int8 by its defaults, on a network trained by others and photographs that it was not calibrated on."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from misread.export.quantize.options import StaticOptions
from misread.export.quantize.run import QuantizeOptions, quantize

if TYPE_CHECKING:
    from pathlib import Path

    from misread.export.quantize.make import Made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every other photograph in `calibration`, and the rest in `measured.csv`."""
    folder = tmp_path_factory.mktemp("photos")
    found = sorted((shared_data / "imagenet" / "photos").glob("*.JPEG"))
    (folder / "calibration").mkdir()
    for photo in found[::2]:
        (folder / "calibration" / photo.name).symlink_to(photo)
    rows = [(photo, int(photo.name[:3]) + 1) for photo in found[1::2]]
    with (folder / "measured.csv").open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([("file", "label"), *rows])
    return folder


def made_of(network: Path, photos: Path, tmp_path: Path, settings: StaticOptions, max_drop: float | None) -> Made:
    wanted = QuantizeOptions(
        model=network,
        out=tmp_path / "int8.onnx",
        int8=settings,
        calibration_data=photos / "calibration",
        data=photos / "measured.csv",
        max_drop=max_drop,
    )
    return quantize(wanted).build.made


def test_the_defaults_cost_a_point_at_most(mobilenet: Path, photos: Path, tmp_path: Path) -> None:
    made = made_of(mobilenet, photos, tmp_path, StaticOptions(), None)
    assert made.cost is not None
    assert made.cost.float32.hits >= 88
    assert made.cost.drop <= 1.0
    assert made.cost.lost + made.cost.gained <= 8


def test_two_convolutions_are_what_one_scale_for_all_breaks(mobilenet: Path, photos: Path, tmp_path: Path) -> None:
    settings = StaticOptions(method="minmax", per_channel=False, target="x86-vnni")
    made = made_of(mobilenet, photos, tmp_path, settings, 6.0)
    assert made.trials[0].cost.drop > 50
    assert {"node_conv2d_1", "node_conv2d_7"} <= {layer.node for layer in made.kept_float}
    assert len(made.kept_float) <= 4
    assert made.cost is not None
    assert made.cost.drop <= 6.0
