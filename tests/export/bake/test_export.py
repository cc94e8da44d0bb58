"""`misread export --bake-preprocessing`: every precision, held against the twin through its own path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from misread.errors import CheckFailed
from misread.export import run as runner
from misread.export.bake import bake, strip
from misread.export.bake import front as fronts
from misread.export.bake import join as joined
from misread.export.onnx_file import read_model
from misread.export.origin import Origin, load_origin
from misread.export.pictures import from_folder
from misread.export.run import ExportOptions, ExportResult, export_builds
from misread.pixels import fit, read_image, write_png
from misread.report.text.export import export_text
from misread.runtime.session import Deployed
from tests.export.nets import blobs, tiny_card

if TYPE_CHECKING:
    from misread.card import ModelCard

PRECISIONS = ("fp32", "fp16", "int8")


@pytest.fixture
def origin() -> Origin:
    return load_origin("tests.export.nets:tiny", card=tiny_card())


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Twenty pictures of several sizes, larger than the input."""
    for number, size in enumerate([(40, 60), (61, 33), (50, 50), (16, 16)] * 5):
        write_png(tmp_path / "large" / f"{number:02}.png", blobs(1, seed=number, size_hw=size)[0])
    return tmp_path / "large"


@pytest.fixture(autouse=True)
def one_export(monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    """Torch's exporter takes seconds and has its own tests: here its file is there already."""

    def copy(twin: object, card: object, path: Path, **_: object) -> None:
        path.parent.mkdir()
        path.write_bytes(exported.read_bytes())

    monkeypatch.setattr(runner, "export_onnx", copy)


def baked(origin: Origin, tmp_path: Path, data: Path, **more: Any) -> ExportResult:
    given = {"calibration_data": data, "bake_preprocessing": True, **more}
    return export_builds(ExportOptions(origin="tiny", out=tmp_path / "m.onnx", **given), origin=origin)


def test_every_precision_takes_pictures(tmp_path: Path, large: Path, origin: Origin) -> None:
    result = baked(origin, tmp_path, large, precisions=PRECISIONS)
    assert result.card == replace(tiny_card(), baked_preprocessing=True)
    plain = export_builds(
        ExportOptions(origin="tiny", out=tmp_path / "p.onnx", precisions=PRECISIONS, calibration_data=large),
        origin=origin,
    )
    images = [read_image(path) for path in sorted(large.iterdir())]
    for build, other in zip(result.builds, plain.builds, strict=True):
        ours, theirs = Deployed.open(build.file.path), Deployed.open(other.file.path)
        assert ours.card == result.card
        # A resize that falls the other way on one level moves an activation by a step of int8.
        np.testing.assert_allclose(ours.read(images).logits, theirs.read(images).logits, atol=0.5)
        assert ours.read(images).labels == theirs.read(images).labels
        same = strip(read_model(build.file.path))
        assert same.graph == read_model(other.file.path).graph
        assert build.parity.agreement.hits == build.parity.agreement.total
    assert "uint8 pictures (n, h, w, 3) of any size" in export_text(result)
    assert "uint8 pictures" not in export_text(plain)


def test_parity_asks_for_the_whole_path(
    tmp_path: Path, large: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: a front that resizes without antialias, behind a card that says otherwise."""
    honest = fronts.front

    def planted(card: ModelCard, *names: Any) -> Any:
        return honest(replace(card, antialias=False, interpolation="nearest"), *names)

    monkeypatch.setattr(joined, "front", planted)
    for number in range(20):
        noisy = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        write_png(large / f"noise{number}.png", noisy)
    with pytest.raises(CheckFailed, match="is not the classifier that was exported"):
        baked(origin, tmp_path, large, parity_data=large, calibration_data=None)
    assert not (tmp_path / "m.onnx").exists()


def test_the_scenes_that_ship_serve_too(tmp_path: Path, origin: Origin) -> None:
    result = baked(origin, tmp_path, tmp_path, calibration_data=None)
    assert result.builds[0].parity.agreement.share == 1


def test_originals_are_what_the_prepared_were_made_from(large: Path) -> None:
    found = from_folder(large, tiny_card(), limit=100, generator=np.random.default_rng(0)).take([3, 0, 7])
    for row in range(3):
        np.testing.assert_array_equal(fit(found.original(row), tiny_card()), found.prepared[row])


def test_a_network_with_a_fixed_batch(tmp_path: Path, exported: Path) -> None:
    model = read_model(exported)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    onnx.save(bake(model), tmp_path / "two.onnx")
    images = [blobs(1, seed=seed, size_hw=(30, 20 + seed))[0] for seed in range(5)]
    plain = Deployed.open(exported).read(images).logits
    np.testing.assert_allclose(Deployed.open(tmp_path / "two.onnx").read(images).logits, plain, atol=0.05)
