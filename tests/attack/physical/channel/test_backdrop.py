"""A sign before other pictures: what stays, what is drawn, and that search and measurement never share one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from misread.attack.physical import PhysicalOptions
from misread.attack.physical.channel import Backdrop, Channel
from misread.errors import OptionError
from tests.attack.physical.toy import CARD, PROFILE, generator

SIGN = torch.zeros(32, 32, dtype=torch.bool)
SIGN[8:24, 8:24] = True
FLAT = tuple(torch.full((3, 40, 60), level) for level in (0.2, 0.8))


def test_the_sign_stays_and_what_is_behind_it_changes() -> None:
    picture = torch.rand(3, 32, 32, generator=generator())
    backdrop = Backdrop(pictures=FLAT, sign=SIGN)
    drawn = (backdrop.draw(1.0, generator(seed)) for seed in range(20))
    assert {round(float(backdrop.apply(picture, one)[0, 0, 0]), 4) for one in drawn} == {0.2, 0.8}
    seen = backdrop.apply(picture, backdrop.draw(1.0, generator()))
    assert torch.equal(seen[:, 9:23, 9:23], picture[:, 9:23, 9:23])
    assert torch.allclose(seen[:, ~SIGN], seen[:1, :1, :1].expand(3, 1, 1).flatten(1).expand(3, int((~SIGN).sum())))


def test_gradients_reach_the_sign_and_nothing_else() -> None:
    picture = torch.rand(3, 32, 32, generator=generator()).requires_grad_()
    backdrop = Backdrop(pictures=FLAT, sign=SIGN)
    (slope,) = torch.autograd.grad(backdrop.apply(picture, backdrop.draw(1.0, generator())).sum(), picture)
    assert slope[:, SIGN].all()
    assert not slope[:, ~SIGN].any()


def test_the_perfect_capture_keeps_the_signs_own_background() -> None:
    channel = Channel(profile=PROFILE, card=CARD, backdrop=Backdrop(pictures=FLAT, sign=SIGN))
    picture, bare = torch.rand(3, 32, 32, generator=generator()), Channel(profile=PROFILE, card=CARD)
    clip = channel.draw((32, 32), 1, 0.0, generator())
    assert torch.equal(channel.apply(picture, clip), bare.apply(picture, bare.draw((32, 32), 1, 0.0, generator())))


def test_parts_lie_inside_their_picture_and_are_logged() -> None:
    ramp = torch.arange(1, 101).float().div(100).expand(3, 50, 100).clone()  # no value is 0, as beyond an edge
    backdrop = Backdrop(pictures=(ramp,), sign=SIGN)
    parts = []
    for seed in range(30):
        drawn = backdrop.draw(1.0, generator(seed))
        part = backdrop.apply(torch.zeros(3, 32, 32), drawn)[0, 0]
        assert part.min() > 0
        parts.append(float(part.mean()))
        assert set(json.loads(json.dumps(drawn.log()))) == {"picture", "top", "left", "size", "mirrored"}
    assert np.ptp(parts) > 0.2


def test_search_and_measurement_never_share_a_background() -> None:
    pictures = tuple(np.full((20, 20, 3), level, np.uint8) for level in range(5))
    options = PhysicalOptions(profile=PROFILE, backgrounds=pictures)
    searched, held = (options.channel(CARD, np.ones((8, 8), np.bool_), held=held).backdrop for held in (False, True))
    assert searched is not None
    assert held is not None
    levels = [sorted(round(float(one.mean()) * 255) for one in drop.pictures) for drop in (searched, held)]
    assert levels == [[0, 2, 4], [1, 3]]


def test_backdrops_of_nothing_are_refused() -> None:
    with pytest.raises(OptionError, match="at least one picture"):
        Backdrop(pictures=(), sign=SIGN)
    with pytest.raises(OptionError, match="give at least 2, got 1"):
        PhysicalOptions(backgrounds=(np.zeros((8, 8, 3), np.uint8),))
