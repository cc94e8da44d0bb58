"""Each fault that has fooled an attack library before is planted here, and a test of the contract must see it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from torch import Tensor

from misread.attack import execute as executing
from misread.attack import problem as asking
from misread.attack.balls.l2 import L2
from misread.attack.balls.linf import Linf
from misread.attack.base import Outcome, Problem, Settled, margin
from misread.attack.gradient.pgd import Pgd
from misread.attack.selftest.oracle import instance_b, on_grid
from misread.errors import CheckFailed
from misread.export.parity import TOLERANCES, check_parity
from misread.export.pictures import Pictures
from misread.export.twin import make_twin
from tests.attack import test_contract, test_execute, test_pgd, test_settle
from tests.export.nets import SIZE_HW, blobs, tiny, tiny_card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Fault(NamedTuple):
    """How it is planted, and what must see it."""

    plant: Callable[[pytest.MonkeyPatch], None]
    check: Callable[[], None]


def _believe(patch: pytest.MonkeyPatch) -> None:
    """Report what the attack saw instead of what was measured at the end."""
    measured: Callable[..., Outcome] = executing._outcome

    def believed(*given: Any) -> Outcome:
        outcome = measured(*given)
        return dataclasses.replace(outcome, success=outcome.proposed)

    patch.setattr(executing, "_outcome", believed)


def _leave_the_ball(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Linf, "whole", lambda _, levels, __: levels.round())


def _leave_the_l2_ball(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(L2, "whole", lambda _, levels, __: levels.round())


def _truncate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Linf, "whole", lambda _, levels, __: levels.trunc())


def _let_nan_through(patch: pytest.MonkeyPatch) -> None:
    def unrefused(images: Tensor, proposal: Tensor, **_: object) -> Settled:
        none = torch.zeros(len(images))
        return Settled(proposal, none.bool(), none.double())

    patch.setattr(asking, "settle", unrefused)
    patch.setattr(asking, "achieved", lambda logits, wanted: ~(margin(logits, wanted) >= 0))
    _believe(patch)


def _never_score_the_last(patch: pytest.MonkeyPatch) -> None:
    """Offers along the way bring their logits; the last point's are not known."""
    offer = Problem.offer

    def forgetful(self: Problem, x: Tensor, rows: Tensor, *, logits: Tensor | None = None) -> Tensor:
        return torch.zeros_like(rows).bool() if logits is None else offer(self, x, rows, logits=logits)

    patch.setattr(Problem, "offer", forgetful)


def _draw_unseeded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Problem, "uniform", lambda self, rows: torch.rand(self.images[rows].shape) * 2 - 1)


FAULTS = {
    "rounding leaves the ball": Fault(_leave_the_ball, test_settle.test_a_budget_off_the_grid_is_not_left),
    "rounding leaves the l2 ball": Fault(_leave_the_l2_ball, test_settle.test_l2_steps_back_no_further_than_it_must),
    "truncation loses a level": Fault(_truncate, lambda: test_contract.test_seven_and_a_half_levels_need_eight(Pgd)),
    "success is measured before rounding": Fault(
        _believe, lambda: test_contract.test_an_answer_between_the_levels_is_none(Pgd, "l2")
    ),
    "a NaN is a success": Fault(
        _let_nan_through, lambda: test_execute.test_a_proposal_that_is_not_finite_is_none(math.nan)
    ),
    "the last iterate is never scored": Fault(
        _never_score_the_last, lambda: test_pgd.test_the_last_iterate_is_scored(torch.Generator().manual_seed(0))
    ),
    "a draw is unseeded": Fault(
        _draw_unseeded,
        lambda: test_contract.test_the_generator_decides_alone(Pgd, "linf", on_grid(instance_b(24))),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, check = FAULTS[name]
    check()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()


class _Deployed:
    """The build that was exported with its normalisation."""

    name, card = "deployed.onnx", tiny_card()

    def run(self, prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
        unit = torch.from_numpy(prepared.transpose(0, 3, 1, 2).copy()).float() / 255
        logits: NDArray[np.float32] = make_twin(tiny(), mean=(0.5, 0.4, 0.5), std=(0.2, 0.25, 0.2))(unit).numpy()
        return logits


def test_a_forgotten_normalisation_is_seen_before_anything_is_attacked() -> None:
    pictures = Pictures(prepared=blobs(20, size_hw=SIZE_HW), names=tuple(map(str, range(20))), source="drawn")
    whole = make_twin(tiny(), mean=(0.5, 0.4, 0.5), std=(0.2, 0.25, 0.2))
    assert check_parity(whole, _Deployed(), pictures, tolerance=TOLERANCES["fp32"]).agreement.hits == 20
    for tolerance in TOLERANCES.values():
        with pytest.raises(CheckFailed):
            check_parity(make_twin(tiny()), _Deployed(), pictures, tolerance=tolerance)
