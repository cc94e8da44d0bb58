from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from misread.attack.physical import EotPgd, Patch, PhysicalOptions, Stickers, WholeSign
from misread.attack.physical.placebo import shuffled_colours, turned_colours
from misread.attack.physical.stickers import Spots, spots
from misread.errors import OptionError
from tests.attack.physical.test_make import MASK, PICTURE, made
from tests.attack.physical.toy import PROFILE, generator, problem

QUICK = PhysicalOptions(
    attack=EotPgd(steps=4, draws=4, select_every=2, select_clips=2), profile=PROFILE, held_clips=2, held_frames=3
)


def test_stickers_lie_where_the_weight_is_and_keep_to_the_area() -> None:
    mask = torch.ones(20, 20, dtype=torch.bool)
    weight = torch.zeros(20, 20)
    weight[2:6, 3:7], weight[12:16, 12:16] = 5.0, 1.0
    found = spots(weight, mask, Spots(area=0.08, count=2))
    expected = torch.zeros_like(mask)
    expected[2:6, 3:7] = expected[12:16, 12:16] = True
    assert torch.equal(found, expected)


def test_stickers_stay_on_the_sign() -> None:
    mask = torch.zeros(20, 20, dtype=torch.bool)
    mask[5:15, 5:15] = True
    weight = torch.where(mask, 1.0, 100.0)
    found = spots(weight, mask, Spots(area=0.3, count=2))
    assert 0 < int(found.sum()) <= 30
    assert not (found & ~mask).any()


def test_refuses_stickers_that_do_not_fit() -> None:
    with pytest.raises(OptionError, match="do not fit on a sign of 9 pixels"):
        spots(torch.ones(3, 3), torch.ones(3, 3, dtype=torch.bool), Spots(area=0.2, count=1))


def test_the_place_is_where_the_gradient_is() -> None:
    given = problem()
    pull = torch.zeros(3, 32, 32)
    pull[:, 6:12, 6:12] = 1.0
    placed = Stickers(area=0.1, count=1).placed(given, lambda _, __: pull)
    assert placed.covers
    assert 0 < int(placed.mask.sum()) <= int(0.1 * MASK.sum())
    assert float((placed.mask & (pull[0] > 0)).sum()) > 0.6 * 36


@pytest.mark.parametrize("perfect", [False, True])
def test_a_sticker_witness_changes_nothing_else_and_logs_every_draw(perfect: bool) -> None:
    options = replace(QUICK, attack=replace(QUICK.attack, perfect=perfect))
    outcome = made(threat=Stickers(steps=3), options=options)
    changed = (outcome.image != PICTURE).any(axis=2)
    assert outcome.area <= 0.15 * outcome.sign_area == 0.15 * MASK.sum()
    assert changed.sum() <= outcome.area
    assert len(outcome.place_log) == (3 if perfect else 6)
    assert {entry["severity"] for entry in outcome.place_log} == ({0.0} if perfect else {1.0})
    assert {entry["severity"] for entry in outcome.search.selection_log} == ({0.0} if perfect else {1.0})


def test_a_whole_sign_is_the_bound_that_it_was() -> None:
    old, new = made(options=QUICK), made(threat=WholeSign(eps=32 / 255), options=QUICK)
    assert (old.image == new.image).all()
    assert (old.placebo == new.placebo).all()
    assert old.area == old.sign_area == MASK.sum()


def test_a_patch_may_take_any_colour_in_its_mask() -> None:
    outcome = made(threat=Patch(), options=QUICK)
    assert outcome.largest_level > 32
    assert (outcome.image[~MASK] == PICTURE[~MASK]).all()


def test_controls_of_what_covers_keep_place_and_colours() -> None:
    given = problem()
    changed = given.picture.clone()
    changed[:, given.mask] = torch.rand(3, int(given.mask.sum()), generator=generator(3))
    for control in (
        shuffled_colours(given.picture, changed, given.mask, generator()),
        turned_colours(given.picture, changed, given.mask),
    ):
        assert torch.equal(control[:, ~given.mask], given.picture[:, ~given.mask])
        assert torch.equal(control[:, given.mask].sum(0).sort()[0], changed[:, given.mask].sum(0).sort()[0])
        assert not torch.equal(control, changed)
    square = turned_colours(given.picture, changed, given.mask)[:, 4:28, 4:28]
    assert torch.equal(square, changed[:, 4:28, 4:28].flip(1, 2))


@pytest.mark.parametrize("options", [{"area": 0.0}, {"area": float("nan")}, {"count": 0}, {"steps": 0}])
def test_refuses_stickers_that_stick_nothing(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="stickers cover a share"):
        Stickers(**options)  # type: ignore[arg-type]
