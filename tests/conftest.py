"""Fixtures that all tests share; torch is imported only where a test asks for it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from misread.card import ModelCard
from misread.runtime.session import FunctionReader

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

#: Two workers share two cores: OpenMP's threads would spin at every operation for a core that the other worker has. The
#: processes that tests start inherit it; `.ci/run` makes its bundle with as many threads as a user has.
os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no worker waits at the end for the other's last minute.

    They are in the files beside this one, which run whole pages of commands, then in the other files with a slow test.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: len(item.path.parts) if item.path in slow else sys.maxsize)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures and models made by others; they lie beside the checkout and never in it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real material beside the checkout ({SHARED.name}/data)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def zoo() -> ModuleType:
    """Classifiers trained by others, as a user's own file would hold them."""
    pytest.importorskip("torch")
    path = SHARED / "models" / "zoo.py"
    if not path.is_file():
        pytest.skip(f"no model zoo beside the checkout ({SHARED.name}/models)")
    spec = importlib.util.spec_from_file_location("misread_test_zoo", path)
    if spec is None or spec.loader is None:
        pytest.fail(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def card() -> ModelCard:
    """Two labels on 8x8 pictures."""
    return ModelCard(labels=("dark", "bright"), size_hw=(8, 8))


@pytest.fixture
def brightness(card: ModelCard) -> FunctionReader:
    """A classifier in closed form: `bright` where the mean level is above 127.5, by a margin of twice the excess."""

    def logits(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        excess = prepared.astype(np.float32).mean(axis=(1, 2, 3)) - 127.5
        return np.stack([-excess, excess], axis=1)

    return FunctionReader(card, logits, name="brightness")
