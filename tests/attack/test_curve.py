from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from misread.attack.base import Threat, execute
from misread.attack.curve import eps_curve
from misread.attack.minimal.nearest import Nearest
from misread.errors import OptionError
from misread.stats import wilson

if TYPE_CHECKING:
    from misread.attack.selftest.oracle import Instance


def test_a_size_counts_from_its_own_budget_on() -> None:
    assert eps_curve([0.1, 0.3, math.inf, 0.2], 5, [0.3, 0.0, 0.1, 0.25]) == [wilson(hits, 5) for hits in (3, 0, 1, 2)]


def test_whole_levels_are_not_lost_to_rounding() -> None:
    size = float(torch.tensor(8 / 255, dtype=torch.float32))
    assert eps_curve([size], 1, [8 / 255]) == [wilson(1, 1)]


def test_the_curve_is_what_runs_at_each_eps_find(grid_instance: Instance) -> None:
    def run(eps: float | None) -> tuple[list[float], int, int]:
        outcome = execute(
            Nearest(),
            grid_instance.model(),
            grid_instance.images,
            grid_instance.labels,
            threat=Threat(eps=eps),
            generator=torch.Generator().manual_seed(0),
        )
        return outcome.size.tolist(), outcome.attempted, outcome.found

    sizes, attempted, _ = run(None)
    budgets = [level / 255 for level in (3, 7, 9, 12)]
    assert [rate.hits for rate in eps_curve(sizes, attempted, budgets)] == [run(eps)[2] for eps in budgets]


@pytest.mark.parametrize(
    ("sizes", "attempted", "budgets"),
    [([0.1, 0.2], 1, [0.1]), ([math.nan], 1, [0.1]), ([-0.1], 1, [0.1]), ([0.1], 1, [math.nan]), ([0.1], 1, [-1.0])],
)
def test_nonsense_is_refused(sizes: list[float], attempted: int, budgets: list[float]) -> None:
    with pytest.raises(OptionError, match="got"):
        eps_curve(sizes, attempted, budgets)
