"""A baked float file is quantised behind its front, and every other form of a baked build takes pictures too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import pytest

from misread.export.bake import bake_file, strip
from misread.export.onnx_file import read_model
from misread.export.quantize.run import QuantizeOptions, quantize
from misread.pixels import write_png
from misread.runtime.session import Deployed
from tests.export.quantize import plants

if TYPE_CHECKING:
    from pathlib import Path

CARD: Final = replace(plants.CARD, resize="crop", resize_px=12)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A float classifier of colours that crops, baked; beside it 40 pictures."""
    path = plants.planted(tmp_path / "net.onnx", "none")
    model = read_model(path)
    onnx.helper.set_model_props(model, CARD.to_metadata())
    onnx.save(model, path)
    bake_file(path)
    for number, picture in enumerate(plants.colours(40, seed=1)[0]):
        write_png(tmp_path / "data" / f"{number:02}.png", picture)
    return path


def test_what_is_quantised_is_the_network_and_not_what_prepares_pictures(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    result = quantize(
        QuantizeOptions(model=source, out=out, calibration_data=tmp_path / "data", static_twin=True, ort_format=True)
    )
    assert result.card == replace(CARD, baked_preprocessing=True)
    before, after = read_model(source), read_model(out)
    assert [node.op_type for node in after.graph.node if node.name.startswith("misread.bake/")] == [
        node.op_type for node in before.graph.node if node.name.startswith("misread.bake/")
    ]
    network = [node.op_type for node in strip(after).graph.node]
    assert "QuantizeLinear" in network
    images = [np.kron(picture, np.ones((3, 2, 1), np.uint8)) for picture in plants.colours(6, seed=2)[0]]
    whole = Deployed.open(source)
    files = (out, *(variant.path for variant in result.build.variants))
    assert [path.name for path in files] == ["int8.onnx", "int8_b1.onnx", "int8.ort"]
    for path in files:
        reader = Deployed.open(path)
        assert reader.card == result.card
        assert reader.read(images).labels == whole.read(images).labels
        prepared = plants.colours(6, seed=3)[0]
        assert reader.read_prepared(prepared).labels == whole.read_prepared(prepared).labels
    assert Deployed.open(files[1]).fixed_batch == 1
