"""A build, and a bundle to pack it into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.planted import MEANS
from tests.runtime.replay.packed import folder_of, tinted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "means.onnx"
    path.write_bytes(MEANS)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "bundle", placebo=tinted(190, 110, 0))
