"""Each stage against what its paper says, in closed form where there is one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from misread.attack.transfer import STAGES
from misread.attack.transfer.bsr import Bsr, _turned
from misread.attack.transfer.diversity import Diversity
from misread.attack.transfer.momentum import Momentum
from misread.attack.transfer.scale import Scale
from misread.attack.transfer.translation import Translation
from misread.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from misread.attack.transfer.stage import Draw, Stage


def _draw(seed: int = 0, rows: int = 3) -> Draw:
    generator = torch.Generator().manual_seed(seed)
    return lambda count: torch.rand(rows, count, generator=generator, dtype=torch.float64)


def _images(rows: int = 3) -> Tensor:
    return torch.rand(rows, 3, 12, 15, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("kind", STAGES, ids=lambda kind: kind.name)
def test_copies_have_the_images_shape_follow_the_draws_and_can_be_differentiated(kind: type[Stage]) -> None:
    stage, x = kind(), _images().requires_grad_()
    first = stage.copy(x, stage.copies - 1, _draw())
    assert first.shape == x.shape
    assert torch.equal(first, stage.copy(x, stage.copies - 1, _draw()))
    (gradient,) = torch.autograd.grad(first.sum(), x)
    assert (gradient.flatten(1).abs().amax(1) > 0).all()
    filtered = stage.filtered(gradient, torch.zeros_like(gradient))
    assert filtered.shape == x.shape
    assert torch.isfinite(filtered).all()
    nothing = torch.zeros_like(gradient)
    assert torch.equal(stage.filtered(nothing, nothing), nothing)


@pytest.mark.parametrize("kind", STAGES, ids=lambda kind: kind.name)
def test_a_row_does_not_see_its_neighbours(kind: type[Stage]) -> None:
    stage, x, chances = kind(), _images(), torch.rand(3, 100, dtype=torch.float64)
    together = stage.copy(x, 0, lambda count: chances[:, :count])
    alone = stage.copy(x[1:2], 0, lambda count: chances[1:2, :count])
    torch.testing.assert_close(together[1:2], alone)


def test_scale_halves() -> None:
    x = _images()
    for number in range(5):
        torch.testing.assert_close(Scale().copy(x, number, _draw()), x / 2**number)
    assert Scale().copies == 5


def test_translation_blurs_each_plane_with_a_gaussian_of_sum_1() -> None:
    impulse = torch.zeros(2, 3, 31, 41, dtype=torch.float64)
    impulse[1, 2, 15, 20] = 7
    blurred = Translation(size=5, sigma=1.5).filtered(impulse, torch.zeros_like(impulse))
    line = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.5**2))
    line /= line.sum()
    expected = np.zeros((31, 41))
    expected[13:18, 18:23] = 7 * np.outer(line, line)
    np.testing.assert_allclose(blurred[1, 2].numpy(), expected, atol=1e-12)
    assert not blurred[0].any()
    assert not blurred[1, :2].any()


def test_momentum_adds_gradients_of_mean_1() -> None:
    gradient = torch.tensor([[[[3.0, -1.0]]]])
    first = Momentum(decay=0.5).filtered(gradient, torch.zeros_like(gradient))
    assert first.flatten().tolist() == [1.5, -0.5]
    assert Momentum(decay=0.5).filtered(-gradient, first).flatten().tolist() == [-0.75, 0.25]


def test_diversity_changes_as_often_as_it_says_and_pads_with_black() -> None:
    white, changed = torch.ones(1, 1, 20, 20), 0
    draw = _draw(rows=1)
    for _ in range(200):
        copy = Diversity(probability=0.3).copy(white, 0, draw)
        changed += not torch.equal(copy, white)
        assert float(copy.mean()) >= 1 / 1.1**2 - 0.02
    assert 40 <= changed <= 80
    smallest = torch.tensor([[0.0, 0.0, 0.0, 0.999]], dtype=torch.float64)
    copy = Diversity().copy(white, 0, lambda count: smallest)
    assert float(copy[0, 0, 0, -1]) == 1  # at the top, all the way to the right
    assert float(copy[0, 0, -1].max()) < 0.5
    assert float(copy[0, 0, :, 0].max()) < 0.5


def test_shuffled_blocks_hold_the_same_pixels() -> None:
    x = torch.arange(3 * 12 * 15, dtype=torch.float64).view(1, 3, 12, 15)
    copy = Bsr(degrees=0).copy(x, 0, _draw(rows=1))
    torch.testing.assert_close(copy.flatten(2).sort(2).values, x.flatten(2))
    assert not torch.allclose(copy, x)
    torch.testing.assert_close(Bsr(strips=1, degrees=0).copy(x, 0, _draw(rows=1)), x)


def test_a_block_turns_about_its_middle_without_being_stretched() -> None:
    square = torch.arange(36.0, dtype=torch.float64).view(1, 6, 6)
    torch.testing.assert_close(_turned(square, math.pi / 2), square.rot90(1, (1, 2)))
    wide = torch.ones(1, 4, 8, dtype=torch.float64)
    quarter = _turned(wide, math.pi / 2)[0]  # 8 high and 4 wide, cut to 4 by 8
    torch.testing.assert_close(quarter[:, 2:6], torch.ones(4, 4, dtype=torch.float64))
    assert not quarter[:, :2].any()
    assert not quarter[:, 6:].any()


def test_more_strips_than_pixels_leave_the_picture_whole() -> None:
    x = torch.rand(1, 3, 2, 1, dtype=torch.float64)
    assert Bsr().copy(x, 0, _draw(rows=1)).shape == x.shape


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Bsr, {"copies": 0}, "copies and strips are at least 1"),
        (Bsr, {"strips": 0}, "copies and strips are at least 1"),
        (Bsr, {"degrees": math.nan}, r"degrees lie in \[0, 180\]"),
        (Diversity, {"probability": 0.0}, r"probability lies in \(0, 1\]"),
        (Diversity, {"largest": math.nan}, r"largest in \(1, 4\]"),
        (Momentum, {"decay": -1.0}, "decay is a factor from 0"),
        (Momentum, {"decay": math.nan}, "decay is a factor from 0"),
        (Scale, {"copies": 0}, "copies are from 1 to 8"),
        (Scale, {"copies": 9}, "copies are from 1 to 8"),
        (Translation, {"size": 4}, "size is odd"),
        (Translation, {"sigma": 0.0}, "sigma above 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        kind(**options)
