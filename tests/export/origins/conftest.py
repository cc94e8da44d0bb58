"""Libraries of pretrained networks, real where they are installed; their weights stay untrained."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import torch

if TYPE_CHECKING:
    from types import ModuleType


@cache
def declared_operators() -> torch.library.Library | None:
    """Declare what torchvision's own wheel would, where it was made for another torch and cannot load its binary."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
        return library
    return None


@pytest.fixture
def torchvision_models() -> ModuleType:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed; pip install 'misread[torchvision]'")
    declared_operators()
    return importlib.import_module("torchvision.models")


@pytest.fixture
def timm(torchvision_models: ModuleType) -> Any:
    return pytest.importorskip("timm", reason="timm is not installed; pip install 'misread[timm]'")


@pytest.fixture
def transformers(torchvision_models: ModuleType) -> Any:
    return pytest.importorskip("transformers", reason="transformers is not installed; pip install 'misread[hf]'")
