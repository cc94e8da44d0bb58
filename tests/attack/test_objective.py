"""Losses: against the published formulas, and what every one of them promises for any set of wanted classes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from misread.attack.goal import margin
from misread.attack.objective import LOSSES, MARGIN, Loss
from misread.registry import by_name

#: Every set of wanted classes of four, less none and all.
SETS = [torch.tensor(row) for row in itertools.product([False, True], repeat=4) if any(row) and not all(row)]
DLR, DLR_TARGETED, PM = (by_name("loss", LOSSES, name) for name in ("dlr", "dlr-targeted", "pm"))
RATIOS = (DLR, DLR_TARGETED)
SCALE_FREE = (*RATIOS, PM)
each = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


@pytest.fixture(scope="module")
def drawn() -> Tensor:
    """(300, 4) float64 logits without ties."""
    return torch.randn(300, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3


def slopes(loss: Loss, logits: Tensor, wanted: Tensor) -> Tensor:
    point = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(point, wanted.expand(len(point), -1)).sum(), point)
    return gradient


@each
def test_every_loss_pulls_up_the_best_wanted_class_and_pushes_down_the_best_unwanted_one(
    loss: Loss, drawn: Tensor
) -> None:
    """Until the goal is reached, which is all that counts.

    No ratio can push the first logit down at every rank of the wanted one: of three logits, all that does not change
    with shift and scale is (z1 - z2) / (z1 - z3), which both z1 and z3 raise. So theirs is asked of neighbours only.
    """
    for wanted in SETS:
        rows = drawn[margin(drawn, wanted.expand_as(drawn)) > 1e-3]
        gradient, mask = slopes(loss, rows, wanted), wanted.expand_as(rows)
        best, rival = (rows.masked_fill(~chosen, -math.inf).argmax(1, keepdim=True) for chosen in (mask, ~mask))
        assert (gradient.gather(1, best) < 0).all(), wanted
        near = (rows > rows.gather(1, best)).sum(1) == 1
        asked = near if loss in RATIOS else torch.ones_like(near)
        assert (gradient.gather(1, rival)[asked] > 0).all(), wanted


@each
def test_no_loss_stands_still_however_the_ranks_lie(loss: Loss, drawn: Tensor) -> None:
    for wanted in SETS:
        gradient = slopes(loss, drawn, wanted)
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().amax(1) > 1e-6).all(), wanted
        assert torch.allclose(gradient.sum(1), torch.zeros(len(drawn), dtype=gradient.dtype), atol=1e-9)


@pytest.mark.parametrize("loss", SCALE_FREE, ids=lambda loss: loss.name)
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_these_are_the_same_at_every_scale(loss: Loss, scale: float, drawn: Tensor) -> None:
    for wanted in SETS:
        mask = wanted.expand_as(drawn)
        torch.testing.assert_close(loss(drawn * scale + 5, mask), loss(drawn, mask), rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(slopes(loss, drawn * scale, wanted) * scale, slopes(loss, drawn, wanted))


@pytest.mark.parametrize("loss", [MARGIN, *SCALE_FREE], ids=lambda loss: loss.name)
def test_the_sign_tells_whether_the_goal_is_reached(loss: Loss, drawn: Tensor) -> None:
    """Not so of the log-odds, which weigh every class and not only the best."""
    for wanted in SETS:
        mask = wanted.expand_as(drawn)
        assert torch.equal(loss(drawn, mask) < 0, margin(drawn, mask) < 0)


def test_dlr_is_the_published_ratio_for_any_wrong_class(drawn: Tensor) -> None:
    """-(z_y - max of the others) / (z_1 - z_3) of arXiv 2003.01690 with its sign turned, written out row by row."""
    rows = drawn.numpy()
    wanted = torch.ones(4, dtype=torch.bool)
    for label in range(4):
        mask = wanted.clone()
        mask[label] = False
        value = DLR(drawn, mask.expand_as(drawn)).numpy()
        for row, got in zip(rows, value, strict=True):
            first, second, third, _ = np.sort(row)[::-1]
            if row[label] >= second:  # the paper's case: the label first, or just overtaken
                assert got == pytest.approx((row[label] - max(np.delete(row, label))) / (first - third))


def test_targeted_dlr_is_the_published_ratio(drawn: Tensor) -> None:
    """-(z_y - z_t) / (z_1 - (z_3 + z_4) / 2) with its sign turned, the label first."""
    for target in range(4):
        mask = torch.arange(4) == target
        value = DLR_TARGETED(drawn, mask.expand_as(drawn)).numpy()
        for row, got in zip(drawn.numpy(), value, strict=True):
            ranked = np.sort(row)[::-1]
            rival = max(np.delete(row, target))
            assert got == pytest.approx((rival - row[target]) / (ranked[0] - (ranked[2] + ranked[3]) / 2))


@pytest.mark.parametrize("rest", [[], [-1.0], [-1.0, -4.0]])
def test_dlr_falls_without_a_jump_as_a_wanted_class_climbs_from_last_to_first(rest: list[float]) -> None:
    """At rank three the published ratio is 1 wherever it stands; where it passes a rank, it must not jump up."""
    others = torch.tensor([4.0, 1.0, *rest], dtype=torch.float64)
    climb = torch.linspace(-6, 6, 2401, dtype=torch.float64)
    logits = torch.cat([climb[:, None], others.expand(len(climb), -1)], 1)
    wanted = (torch.arange(logits.shape[1]) == 0).expand_as(logits)
    value = DLR(logits, wanted)
    assert (value.diff() < 0).all()
    assert value.diff().abs().max() < 0.02
    third = (climb > max([-6.0, *rest[:1]])) & (climb < 1)
    assert (slopes(DLR, logits, wanted[0])[third, 0].abs() > 1e-3).all()


def test_pm_is_the_difference_of_two_probabilities() -> None:
    """Numpy, class by class: softmax of z / std(z) over the wanted classes and the best of the others."""
    row = np.array([2.0, 1.5, -0.5, 0.25, 3.0])
    wanted = np.array([False, True, False, True, False])
    weight = np.exp(row / row.std())
    total = weight[1] + weight[3] + weight[4]
    got = PM(torch.from_numpy(row)[None], torch.from_numpy(wanted)[None])
    assert float(got) == pytest.approx((weight[4] - weight[1]) / total)


def test_pm_for_any_wrong_class_is_the_probability_of_the_label_less_the_next() -> None:
    row = torch.tensor([[1.0, -1.0, 0.5, 0.0]], dtype=torch.float64)
    chance = (row / row.std(correction=0)).softmax(1)[0]
    assert float(PM(row, torch.tensor([[False, True, True, True]]))) == pytest.approx(float(chance[0] - chance[2]))


@pytest.mark.parametrize("loss", SCALE_FREE, ids=lambda loss: loss.name)
@pytest.mark.parametrize("gap", [1e-8, 60.0, 1e4, 1e20])
def test_a_confident_model_does_not_silence_the_ones_without_scale(loss: Loss, gap: float) -> None:
    logits = torch.tensor([[1.0, 0.0, -0.01, -0.02]]) * gap
    wanted = torch.tensor([False, True, False, True])
    gradient = slopes(loss, logits, wanted) * gap
    assert torch.isfinite(gradient).all()
    assert 0.01 < gradient.abs().max() < 100


@each
def test_equal_logits_give_no_value_that_is_not_a_number(loss: Loss) -> None:
    assert torch.isfinite(slopes(loss, torch.zeros(1, 4), SETS[2])).all()


def test_bystanders_are_no_progress_for_pm() -> None:
    """An unwanted class that rises below the best one takes nothing away; a wanted one that rises does."""
    gradient = slopes(PM, torch.tensor([[3.0, 1.0, 2.0, 0.5]]), torch.tensor([False, True, False, True]))[0]
    assert gradient[2] == 0
    assert gradient[0] > 0
    assert gradient[1] < 0
    assert gradient[3] < 0
