"""A budget holds whatever the attack does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from misread.attack import ATTACKS
from misread.attack.base import Attack, Budget, Threat, execute
from misread.attack.query import QUERY_ATTACKS
from misread.errors import OptionError

if TYPE_CHECKING:
    from misread.attack.selftest.oracle import Instance

EVERY = [(kind, norm) for kind in (*ATTACKS, *QUERY_ATTACKS) for norm in kind.norms]
EPS = {"linf": 0.01, "l2": 0.2, "l1": 2.0, "l0": 3}
every = pytest.mark.parametrize(("kind", "norm"), EVERY, ids=[f"{kind.name}-{norm}" for kind, norm in EVERY])


@every
@pytest.mark.parametrize("passes", [1, 7, 30])
def test_no_image_costs_more_passes(kind: type[Attack], norm: str, passes: int, grid_instance: Instance) -> None:
    counted = torch.zeros(())
    model = grid_instance.model()

    def counting(x: torch.Tensor) -> torch.Tensor:
        counted.add_(len(x))
        return model(x)  # type: ignore[no-any-return]

    outcome = execute(
        kind(),
        counting,
        grid_instance.images[:5],
        grid_instance.labels[:5],
        threat=Threat(norm=norm, eps=EPS[norm]),  # type: ignore[arg-type]
        generator=torch.Generator().manual_seed(0),
        budget=Budget(passes=passes),
    )
    assert outcome.forwards.max() <= passes
    assert counted == outcome.forwards.sum() + 2 * 5  # the two measuring passes
    assert not outcome.refused.any()


@every
def test_no_time_is_no_pass(kind: type[Attack], norm: str, grid_instance: Instance) -> None:
    outcome = execute(
        kind(),
        grid_instance.model(),
        grid_instance.images[:3],
        grid_instance.labels[:3],
        threat=Threat(norm=norm, eps=EPS[norm]),  # type: ignore[arg-type]
        generator=torch.Generator().manual_seed(0),
        budget=Budget(seconds=1e-9),
    )
    assert (outcome.found, int(outcome.forwards.sum())) == (0, 0)


def test_what_is_found_before_the_end_counts(grid_instance: Instance) -> None:
    """Half of the budget of a run that needs all of it still gives the best image seen."""
    kind = next(kind for kind in ATTACKS if kind.name == "minimal")
    whole, half = (
        execute(
            kind(),
            grid_instance.model(),
            grid_instance.images,
            grid_instance.labels,
            threat=Threat(norm="l2"),
            generator=torch.Generator().manual_seed(0),
            budget=Budget(passes=passes),
        )
        for passes in (1000, 20)
    )
    assert half.found == whole.found == 24
    assert (half.size >= whole.size).all()


@pytest.mark.parametrize("field", [{"passes": 0}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_a_budget_of_nothing_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="leave it out for no limit"):
        Budget(**field)  # type: ignore[arg-type]


def test_settings_stay_as_they_are() -> None:
    assert dataclasses.is_dataclass(Budget)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Budget(passes=3).passes = 4  # type: ignore[misc]
