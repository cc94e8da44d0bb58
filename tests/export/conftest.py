"""Fixtures of the host floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from misread.export.onnx import export_onnx
from misread.export.origin import Preparation, load_origin
from misread.export.twin import make_twin
from misread.pixels import write_png
from tests.export.nets import clear_blobs, tiny, tiny_card, write_factory

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small classifier as an fp32 ONNX file with a dynamic batch and its card; never changed by a test."""
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    export_onnx(make_twin(tiny()), tiny_card(), path)
    return path


@pytest.fixture(scope="session")
def mobilenet(zoo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 with its own weights, in fp32, its labels numbers; never changed by a test."""
    path = tmp_path_factory.mktemp("mobilenet") / "fp32.onnx"
    origin = load_origin(
        f"{zoo.__file__}:imagenet_mobilenet_v2",
        labels=Path("none"),
        size_hw=(224, 224),
        preparation=Preparation(resize="crop", resize_px=256),
    )
    export_onnx(origin.twin, origin.card, path)
    return path


@pytest.fixture(scope="session")
def pictures_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn pictures in two folders."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(clear_blobs(40)):
        write_png(folder / ("a" if number % 2 else "b") / f"{number:02}.png", picture)
    return folder


@pytest.fixture
def factory_file(tmp_path: Path) -> Path:
    """A user's file with the factories `network` and `other`."""
    return write_factory(tmp_path)
