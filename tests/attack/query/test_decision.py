"""Attacks that see labels alone: what they are told, where they begin, how near they come, and that they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.nn.functional import one_hot

from misread.attack.base import Attack, Norm, Outcome, Targeted, Threat, execute
from misread.attack.query.rays import Rays
from misread.attack.query.surfree import Surfree
from misread.attack.selftest.oracle import two_class
from misread.errors import InputError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from misread.attack.selftest.oracle import Instance

KINDS: tuple[tuple[Any, Norm], ...] = ((Rays, "linf"), (Surfree, "l2"))
both = pytest.mark.parametrize(("kind", "norm"), KINDS, ids=["rays", "surfree"])


def _run(attack: Attack, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, **more: Any) -> Outcome:
    threat = more.pop("threat", None) or Threat(norm=attack.norms[0])
    generator = torch.Generator().manual_seed(1)
    return execute(attack, model, images, labels, threat=threat, generator=generator, **more)


@both
def test_logits_and_bare_labels_give_the_same(kind: Any, norm: Norm, grid_instance: Instance) -> None:
    """One-hot answers hold the label and nothing else."""
    plain = grid_instance.model()
    images, labels = grid_instance.images[:3], grid_instance.labels[:3]
    told = _run(kind(queries=400), plain, images, labels)
    untold = _run(kind(queries=400), lambda x: one_hot(plain(x).argmax(1), 10).float(), images, labels)
    assert told.found == 3
    assert torch.equal(told.images, untold.images)


@pytest.mark.parametrize(
    ("attack", "levels", "worst"),
    [
        (Rays(queries=2000), None, 1.3),
        (Rays(queries=2000), 256, 1.4),
        (Surfree(queries=2500), None, 1.6),
        (Surfree(queries=2500), 256, 1.6),
    ],
)
def test_comes_near_the_optimum_of_a_linear_model(attack: Any, levels: Any, worst: float, instance: Instance) -> None:
    """Published searches need 5,000 and 13,000 queries for more than this."""
    images = instance.images[:4] if levels is None else (instance.images[:4] * 255).round() / 255
    norm = attack.norms[0]
    outcome = _run(attack, instance.model(), images, instance.labels[:4], threat=Threat(norm=norm, levels=levels))
    assert outcome.found == 4
    ratio = outcome.size / torch.from_numpy(instance.optimum(norm)[:4])
    assert float(ratio.median()) < worst


@both
def test_an_image_without_a_start_ends_and_the_others_go_on(kind: Any, norm: Norm, grid_instance: Instance) -> None:
    """The first image's goal is never reached: its tries are spent and no query more."""
    plain = grid_instance.model()
    corner = grid_instance.images[0, 0, 0, 0]

    def model(x: Tensor) -> Tensor:
        stuck = one_hot(grid_instance.labels[:1], 10).float()
        logits: Tensor = plain(x)
        return torch.where((x[:, 0, 0, 0] == corner)[:, None], stuck, logits)

    mask = torch.ones(28, 28, dtype=torch.bool)
    mask[0, 0] = False
    images = grid_instance.images[:3].clone()
    images[1:, 0, 0, 0] = (corner * 255 + 1).round() / 255
    outcome = _run(kind(queries=300, tries=9), model, images, grid_instance.labels[:3], mask=mask)
    assert outcome.success.tolist() == [False, True, True]
    assert outcome.forwards.tolist() == [9, 300, 300]


@both
def test_one_value_alone_is_searched_and_the_search_ends(kind: Any, norm: Norm) -> None:
    """There is nothing to turn to, and flipping the sign helps nothing; 8 levels are the answer."""
    instance = two_class(7.5, values=3)
    mask = torch.zeros(3, 1, dtype=torch.bool)
    mask[1] = True
    lighter = type(instance)(instance.weight, instance.bias - [5 / 255 * 3, 0], instance.images, instance.labels)
    outcome = _run(kind(queries=200), lighter.model(), instance.images, instance.labels, mask=mask)
    assert (outcome.found, outcome.attempted) == (1, 1)
    assert float(outcome.size[0]) * 255 == pytest.approx(8, abs=1e-4)
    assert int(outcome.forwards[0]) <= 200


@both
def test_a_given_start_is_tried_first_and_never_needs_luck(kind: Any, norm: Norm, grid_instance: Instance) -> None:
    target = (int(grid_instance.labels[0]) + 3) % 10
    start = grid_instance.images[grid_instance.labels == target]
    arguments = (grid_instance.model(), grid_instance.images[:1], grid_instance.labels[:1])
    assert _run(kind(queries=30, tries=1), *arguments, goal=Targeted(target)).found == 0
    outcome = _run(kind(queries=30, tries=1, start=start), *arguments, goal=Targeted(target))
    assert (outcome.found, int(outcome.forwards[0])) == (1, 30)
    assert outcome.size[0] < (start[0] - grid_instance.images[0]).norm()


@both
def test_starts_of_another_size_are_refused(kind: Any, norm: Norm, grid_instance: Instance) -> None:
    attack = kind(start=torch.zeros(1, 3, 28, 28))
    with pytest.raises(InputError, match=r"expected starts of the images' size \(1, 28, 28\), got \(3, 28, 28\)"):
        _run(attack, grid_instance.model(), grid_instance.images[:1], grid_instance.labels[:1])


@both
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"queries": 1}, "at least 2 queries and 1 try, got 1 and 100"),
        ({"tries": 0}, "at least 2 queries and 1 try"),
        ({"start": 3.0}, r"images \(m, c, h, w\) in \[0, 1\], got 3.0"),
        ({"start": torch.zeros(1, 28, 28)}, r"got \(1, 28, 28\)"),
        ({"start": torch.full((1, 1, 2, 2), torch.nan)}, r"in \[0, 1\]"),
    ],
)
def test_options_that_mean_nothing_are_refused(kind: Any, norm: Norm, options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        kind(**options)


@both
def test_a_size_may_be_open_or_given(kind: Any, norm: Norm, grid_instance: Instance) -> None:
    """Images outside the ball lead the way into it and are never offered."""
    optimum = float(grid_instance.optimum(norm)[0])
    arguments = (grid_instance.model(), grid_instance.images[:1], grid_instance.labels[:1])
    eps = round(optimum * 2 * 255) / 255
    outcome = _run(kind(queries=1500), *arguments, threat=Threat(norm=norm, eps=eps))
    assert outcome.found == 1
    assert outcome.size[0] <= eps * (1 + 1e-6)
    assert _run(kind(queries=600), *arguments, threat=Threat(norm=norm, eps=optimum * 0.97)).found == 0
