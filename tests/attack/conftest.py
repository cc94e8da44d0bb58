"""The closed-form instance, with its answers computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from misread.attack.selftest.oracle import Instance, instance_b, on_grid
from misread.attack.threat import NORMS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def instance() -> Instance:
    """Real-valued images."""
    return instance_b()


@pytest.fixture(scope="session")
def grid_instance() -> Instance:
    """Images of 256 levels."""
    return on_grid(instance_b(24))


@pytest.fixture(scope="session")
def optima(instance: Instance) -> dict[str, torch.Tensor]:
    """Exact smallest sizes per norm, (64,)."""
    return {norm: torch.from_numpy(instance.optimum(norm)) for norm in NORMS}


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small models lose more to waking threads than they gain, and other test workers want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
