from __future__ import annotations

import torch

from misread.attack.physical.placebo import mirrored, shuffled
from misread.attack.threat import Threat
from tests.attack.physical.toy import generator, problem

THREAT = Threat(eps=24 / 255)


def changed() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    given = problem()
    levels = torch.randint(-24, 25, given.picture.shape, generator=generator(1)) * given.mask
    return given.picture, given.settled(given.picture + levels / 255), given.mask


def test_the_shuffled_change_is_the_same_colours_elsewhere_in_the_mask() -> None:
    clean, image, mask = changed()
    placebo = shuffled(clean, image, mask, THREAT, generator(2))
    before, after = (((picture - clean) * 255).round().int()[:, mask].T.tolist() for picture in (image, placebo))
    assert sorted(before) == sorted(after)
    assert before != after
    assert torch.equal(placebo[:, ~mask], clean[:, ~mask])


def test_the_order_comes_from_the_generator() -> None:
    clean, image, mask = changed()
    one, same, other = (shuffled(clean, image, mask, THREAT, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_mirrored_change_is_flipped_inside_the_mask() -> None:
    clean, image, mask = changed()
    levels = ((mirrored(clean, image, mask, THREAT) - clean) * 255).round()
    assert torch.equal(levels, ((image - clean) * 255).round().flip(-1))


def test_a_change_that_would_leave_the_box_is_cut() -> None:
    clean = torch.zeros(3, 2, 2)
    clean[:, 0] = 1.0
    image = clean.clone()
    image[:, 0] -= 20 / 255
    placebo = shuffled(clean, image, torch.ones(2, 2, dtype=torch.bool), THREAT, generator())
    assert ((placebo >= 0) & (placebo <= 1)).all()
